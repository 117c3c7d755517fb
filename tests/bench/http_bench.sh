#!/bin/sh
# Requests a second and bytes a second of src/net beside nginx, in one run on one machine.
#   tests/bench/http_bench.sh BUILD_DIR [SECONDS_A_TURN [ROUNDS]]
# Needs nginx, wrk, curl and openssl. Prints lines "name=value", as all of tests/bench do.
set -eu
build=$1 seconds=${2:-3} rounds=${3:-3}
ours='' nginx=''
dir=$(mktemp -d)
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	for pid in $ours $nginx; do
		kill "$pid" 2>/dev/null || continue
		wait "$pid" 2>/dev/null || true # so that the time it used counts as ours
	done
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/key.pem" -out "$dir/cert.pem" \
	-subj /CN=localhost -days 2 -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
chmod 755 "$dir" && chmod 600 "$dir/key.pem" # nginx reads as another user
head -c 67108864 /dev/zero >"$dir/large"
cat >"$dir/nginx.conf" <<CONF
worker_processes auto; daemon off; pid $dir/nginx.pid; error_log $dir/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path $dir/body; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f;
  uwsgi_temp_path $dir/u; scgi_temp_path $dir/s; sendfile on; tcp_nopush on; keepalive_requests 1000;
  server { listen 127.0.0.1:18444 ssl; ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem;
    ssl_protocols TLSv1.3; default_type text/plain; client_max_body_size 0;
    location = / { return 200 ok; } location = /large { root $dir; } }
}
CONF
nginx -c "$dir/nginx.conf" 2>/dev/null &
nginx=$!
"$build/tests/bench/http-bench" "$dir/cert.pem" "$dir/key.pem" 18443 >/dev/null &
ours=$!

# Until each answers; one that cannot start ends the run, instead of leaving us to measure somebody else's server.
for port in 18443 18444; do
	curl -sS --retry 50 --retry-delay 1 --retry-connrefused --cacert "$dir/cert.pem" -o /dev/null \
		"https://127.0.0.1:$port/"
done
kill -0 "$nginx" && kill -0 "$ours"

small() { wrk -t2 -c32 -d"${seconds}s" "https://127.0.0.1:$1/" | awk '/Requests\/sec/ {print $2}'; }
one() { # in MB/s
	curl -sS --cacert "$dir/cert.pem" -o /dev/null -w '%{speed_download}\n' "https://127.0.0.1:$1/large" |
		awk '{print $1 / 1e6}'
}
# Four at once, by wrk: it drops what it receives without writing it anywhere. It counts in powers of 1024.
four() {
	wrk -t2 -c4 -d"${seconds}s" "https://127.0.0.1:$1/large" |
		awk '/Transfer\/sec/ {n = $2 + 0; print n * ($2 ~ /GB/ ? 1073.741824 : $2 ~ /MB/ ? 1.048576 : 0.001024)}'
}

# Takes turns, so that what else the machine does hits both. The reader keeps the best of each.
measure() { # function unit rounds
	for _ in $(seq "$3"); do
		echo "ours_$1_$2=$("$1" 18443)"
		echo "nginx_$1_$2=$("$1" 18444)"
	done
}

measure small per_s "$rounds"
measure one mb_s $((rounds + 2)) # short, so more of them
measure four mb_s "$rounds"
