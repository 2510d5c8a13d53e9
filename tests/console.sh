# shellcheck shell=bash
# What a person would read on a console, for tests that search one. Sourced.

# A firmware's or an installer's console moves its cursor in the middle of a word (SeaBIOS: at moments of
# its own), so what is searched for is not in the bytes. As in provision/run/console.c, escape sequences
# and control bytes are left out; SeaBIOS holds the last character back, so tests print one more.
console_text() { # FILE...
	cat -- "$@" | LC_ALL=C sed -z 's/\x1b\[[^@-~]*[@-~]//g; s/\x1b.//g' | LC_ALL=C tr -d '\000-\010\013-\037\177'
}

console_says() { # PATTERN FILE: a file that is not there yet says nothing
	[[ -e $2 ]] && console_text "$2" | LC_ALL=C grep -aq -- "$1"
}
