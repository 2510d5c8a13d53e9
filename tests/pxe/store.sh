# For scripts that compose: where the base trees are, and whether they are. Sourced; work is a folder.
store=${NESTCTL_STORE:-${XDG_CACHE_HOME:-$HOME/.cache}/nestctl}

# Nothing is bootstrapped in tests/pxe: that takes minutes and a mirror.
trees_are_there() { # STACK...
	local stack
	for stack in "$@"; do
		"$B/nestctl" plan "$stack" --store "$store" --out "$work/plan" --json > "$work/plan.json" &&
			python3 - "$work/plan.json" <<'EOF' || return 1
import json
import sys

steps = json.load(open(sys.argv[1]))["steps"]
sys.exit(not all(step["cached"] for step in steps if step["kind"] == "bootstrap"))
EOF
	done
}
