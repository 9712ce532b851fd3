#!/bin/sh
# Makes a CA in a directory, and certificates that it signs: of the nodes on this machine, and of the
# server in front of them. For trying out: whoever reads ca.key is believed.
set -eu
mkdir -p "$1"
cd "$1"
umask 077

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem \
    -days 365 -subj '/CN=cluster' 2>/dev/null
for name in node front; do
    echo 'subjectAltName = DNS:localhost, IP:127.0.0.1' >$name.names
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $name.key \
        -out $name.request -subj "/CN=$name" 2>/dev/null
    openssl x509 -req -in $name.request -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 \
        -extfile $name.names -out $name.pem 2>/dev/null
done
