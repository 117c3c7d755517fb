#!/bin/sh
# Requests a second and bytes a second of src/net beside nginx, in one run on one machine.
#   tests/bench/http_bench.sh BUILD_DIR [SECONDS_A_TURN]
# Needs nginx, wrk, curl and openssl. Prints one line a measure: name, ours, nginx, ratio; each the best of several turns.
set -eu
build=$1 seconds=${2:-3}
dir=$(mktemp -d)
trap 'kill $ours $nginx 2>/dev/null; rm -rf "$dir"' EXIT
ours='' nginx=''
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
nginx -c "$dir/nginx.conf" 2>/dev/null & nginx=$!
"$build/tests/bench/http_bench" "$dir/cert.pem" "$dir/key.pem" 18443 >/dev/null & ours=$!
sleep 1

small() { wrk -t2 -c32 -d"${seconds}s" "https://127.0.0.1:$1/" | awk '/Requests\/sec/ {print $2}'; }
one() { # in MB/s
	curl -sS --cacert "$dir/cert.pem" -o /dev/null -w '%{speed_download}\n' "https://127.0.0.1:$1/large" |
		awk '{print $1 / 1e6}'
}
# Four at once, by wrk: it drops what it receives without writing it anywhere.
four() { wrk -t2 -c4 -d"${seconds}s" "https://127.0.0.1:$1/large" | awk '/Transfer\/sec/ {print $2}' |
	sed 's/GB/ 1000/;s/MB/ 1/' | awk '{print $1 * $2}'; }

# Takes turns, so that what else the machine does hits both, and keeps the best of each.
measure() { # name function rounds
	ours_best=0 nginx_best=0
	for _ in $(seq "$3"); do
		ours_best=$( (echo "$ours_best"; "$2" 18443) | sort -n | tail -1)
		nginx_best=$( (echo "$nginx_best"; "$2" 18444) | sort -n | tail -1)
	done
	awk -v n="$1" -v a="$ours_best" -v b="$nginx_best" \
		'BEGIN { printf "%-34s %10.0f %10.0f  %.2f\n", n, a, b, a / b }'
}

echo "measure                                  ours      nginx  ratio"
measure "small GET/s, 32 connections" small 3
measure "64 MiB GET, MB/s, one connection" one 8
measure "64 MiB GET, MB/s, 4 connections" four 3
