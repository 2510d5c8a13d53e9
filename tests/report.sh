# shellcheck shell=bash
# What suites that are shell scripts share: a line for each case, and at the end how many.
#     . tests/report.sh SUITE
# work: a folder of the suite's own. The last thing that a suite does is finish.
suite=$1
passed=0 failed=0 skipped=0

ok() { # NAME
	echo "ok $suite/$1"
	passed=$((passed + 1))
}

not_ok() { # NAME [REASON]
	echo "not ok $suite/$1${2:+: $2}"
	failed=$((failed + 1))
}

skip() { # NAME REASON
	echo "skipped $suite/$1: $2"
	skipped=$((skipped + 1))
}

# What the command prints is shown if it fails.
check() { # NAME COMMAND...
	local name=$1 start=$SECONDS
	shift
	if "$@" > "$work/log" 2>&1; then
		ok "$name ($((SECONDS - start)) s)"
	else
		not_ok "$name"
		tail -n 40 "$work/log" | sed 's/^/    /'
	fi
}

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[[ $failed == 0 && $((passed + skipped)) -gt 0 ]]
	exit
}
