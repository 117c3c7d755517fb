#!/bin/sh
# GETs of S3 objects through front, encrypted at rest, beside nginx with the same bytes in plain files: both over TLS, in
# one run on one machine. keys is the stand-in of tests/integration/front, so signatures are not checked.
#   tests/bench/s3_bench.sh BUILD_DIR [SECONDS_A_TURN]
# Needs nginx, wrk, curl and openssl. Prints one line a measure: name, ours, nginx, ratio; each the best of its turns.
set -eu
build=$1 seconds=${2:-3}
dir=$(mktemp -d)
chmod 711 "$dir"
ours='' nginx=''
trap 'kill $ours $nginx 2>/dev/null; sleep 1; rm -rf "$dir"' EXIT
mkdir -m 711 "$dir/state" && mkdir -m 700 "$dir/state/store" && mkdir -m 755 "$dir/www" "$dir/www/bench"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/key.pem" -out "$dir/cert.pem" \
	-subj /CN=localhost -days 2 -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
cp "$dir/cert.pem" "$dir/state/store/tls-cert.pem"
cp "$dir/key.pem" "$dir/state/store/tls-key.pem"
chmod 600 "$dir/state/store/tls-key.pem"
if [ "$(id -u)" = 0 ]; then chown -R 2000000001:2000000001 "$dir/state/store"; fi
openssl rand 4096 >"$dir/www/bench/small"
openssl rand 67108864 >"$dir/www/bench/large"
chmod 644 "$dir/www/bench/small" "$dir/www/bench/large"
cat >"$dir/nginx.conf" <<CONF
worker_processes auto; daemon off; pid $dir/nginx.pid; error_log $dir/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path $dir/body; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f;
  uwsgi_temp_path $dir/u; scgi_temp_path $dir/s; sendfile on; tcp_nopush on; keepalive_requests 1000;
  server { listen 127.0.0.1:18446 ssl; ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem;
    ssl_protocols TLSv1.3; root $dir/www; }
}
CONF
nginx -c "$dir/nginx.conf" 2>/dev/null & nginx=$!
"$build/tests/integration/front/cloisterd-front-test" --state "$dir/state" --listen 127.0.0.1:18445 --workers 16 \
	2>"$dir/log" & ours=$!
sleep 2
for object in small large; do
	curl -sS --cacert "$dir/cert.pem" -o /dev/null -T "$dir/www/bench/$object" \
		-w "PUT $object: %{http_code}, %{speed_upload} bytes/s\n" "https://127.0.0.1:18445/bench/$object"
done

small() { wrk -t2 -c32 -d"${seconds}s" "https://127.0.0.1:$1/bench/small" | awk '/Requests\/sec/ {print $2}'; }
one() { # in MB/s
	curl -sS --cacert "$dir/cert.pem" -o /dev/null -w '%{speed_download}\n' "https://127.0.0.1:$1/bench/large" |
		awk '{print $1 / 1e6}'
}
four() { wrk -t2 -c4 -d"${seconds}s" "https://127.0.0.1:$1/bench/large" | awk '/Transfer\/sec/ {print $2}' |
	sed 's/GB/ 1000/;s/MB/ 1/' | awk '{print $1 * $2}'; }

# Takes turns, so that what else the machine does hits both, and keeps the best of each.
measure() { # name function rounds
	ours_best=0 nginx_best=0
	for _ in $(seq "$3"); do
		ours_best=$( (echo "$ours_best"; "$2" 18445) | sort -n | tail -1)
		nginx_best=$( (echo "$nginx_best"; "$2" 18446) | sort -n | tail -1)
	done
	awk -v n="$1" -v a="$ours_best" -v b="$nginx_best" \
		'BEGIN { printf "%-34s %10.0f %10.0f  %.2f\n", n, a, b, a / b }'
}

echo "measure                                  ours      nginx  ratio"
measure "4 KiB GET/s, 32 connections" small 3
measure "64 MiB GET, MB/s, one connection" one 6
measure "64 MiB GET, MB/s, 4 connections" four 3
