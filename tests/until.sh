# shellcheck shell=bash
# Sourced by suites that wait for another process.

# What must come has two minutes and more, which costs nothing where it comes at once.
until_true() { # COMMAND...
	local turn
	for ((turn = 0; turn < 1200; turn++)); do
		"$@" && return
		sleep 0.1
	done
	echo "did not come true: $*"
	return 1
}
