# Shared by tests/pxe/test-install and tests/boot/netboot-install: a server for installers, what it
# serves, what it was told. Expects B (absolute), $work, $token, $agent_token and $store; sets
# $server_pid, which its user ends.
MiB=1048576 server_pid=
. tests/driver.sh
. tests/wait.sh

certificates() { # FOLDER: an authority, and a certificate of it that has run out
	local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
	mkdir -p "$1" && openssl req -x509 "${key[@]}" -keyout "$1/ca.key" -out "$1/ca.pem" \
		-subj /CN=lab -days 1 &&
		openssl req "${key[@]}" -keyout "$1/key" -out "$1/csr" -subj /CN=server &&
		echo subjectAltName=IP:127.0.0.1,IP:10.0.2.2 > "$1/names" &&
		openssl x509 -req -in "$1/csr" -CA "$1/ca.pem" -CAkey "$1/ca.key" -days -1 \
			-extfile "$1/names" -out "$1/certificate" &&
		cat "$1/certificate" "$1/key" > "$1/server.pem"
}

server_start() {
	python3 tests/pxe/install_server.py "$work" > "$work/server.log" 2>&1 &
	server_pid=$!
	becomes test -s "$work/ports" || return 1
	read -r secure_port plain_port < "$work/ports"
}

serve() { # IMAGE: from now on
	"$work/pack" "$1" "$work/image.stream" > "$work/facts"
}

# KEY=VALUE pairs change the ticket: "disk.wipe=true" "mirrors=[...]"
ticket() {
	python3 - "$work/facts" "$agent_token" "$@" > "$work/ticket.json" <<-'PY'
		import json, sys
		ticket = {"machine": "r1", "host_name": "r1", "image": json.load(open(sys.argv[1])),
		          "disk": {"pick": "only", "min": 0, "max": 0, "text": "", "wipe": False},
		          "agent": {"server": "10.0.0.1:7071", "token": sys.argv[2]}, "mirrors": []}
		for change in sys.argv[3:]:
		    path, value = change.split("=", 1)
		    *above, last = path.split(".")
		    at = ticket
		    for key in above:
		        at = at[key]
		    at[last] = json.loads(value)
		json.dump(ticket, sys.stdout)
	PY
}

posted() { # WHAT: bodies of these reports, of failures their reason
	[[ ! -e $work/requests ]] || python3 - "$work/requests" "/$token/$1" <<-'PY'
		import json, sys
		path = sys.argv[2]
		for line in open(sys.argv[1]):
		    request = json.loads(line)
		    if request["method"] == "POST" and request["path"] == path:
		        body = request["body"]
		        print(json.loads(body)["why"] if path.endswith("/failed") else body)
	PY
}

compose() { # NAME DISK-LINES
	mkdir -p "$work/$1"
	cat > "$work/$1/stack.yaml" <<-YAML
		layers:
		  - profile: $PWD/profiles/layers/xen-host.yaml
		    name: r1
	YAML
	sed 's/^/    /' >> "$work/$1/stack.yaml"
	"$nestctl" build-stack "$work/$1/stack.yaml" --build-only --store "$store" --out "$work/$1"
}
