# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For the scripts about TLS: source it after lib.sh. Makes keys and certificates with the openssl program, in the
# current folder.

need openssl
umask 077

# key_line IDENTITY: as psktool writes it.
key_line() {
   printf '%s:%s\n' "$1" "$(openssl rand -hex 32)"
}

new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

# ca_make NAME: NAME.pem and NAME.key, which sign others.
ca_make() {
   openssl req -x509 "${new_key[@]}" -keyout "$1.key" -out "$1.pem" -days 30 -subj "/CN=$1" 2>/dev/null
}

# certificate_make NAME CA SUBJECT EXTENSION [OPTION]...: NAME.pem and NAME.key, signed by CA.
certificate_make() {
   local name=$1 ca=$2 subject=$3 extension=$4
   shift 4
   openssl req "${new_key[@]}" -keyout "$name.key" -out "$name.csr" -subj "$subject" 2>/dev/null
   openssl x509 -req -in "$name.csr" -CA "$ca.pem" -CAkey "$ca.key" -CAcreateserial -days 30 \
      -extfile <(echo "$extension") -out "$name.pem" "$@" 2>/dev/null
}

# pin_of CERTIFICATE: what VENUS_TLS_PIN is to be.
pin_of() {
   openssl x509 -in "$1" -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -r |
      sed 's/\([0-9a-f]*\).*/sha256:\1/'
}
