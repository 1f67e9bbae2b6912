# Docker's daemon and a registry, in namespaces of their own: mounts, addresses and packet filters of the machine stay as they are.
# $1: folder of the programs; $2: folder for everything that they write; $3: cgroup of the containers
set -e
export PATH="$1/usr/bin:$1/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
# The registry stands for those that the pages name. That of Docker Hub is reached as its mirror.
registries="registry.example.com gcr.io nvcr.io"
echo "127.0.0.1 localhost $registries" > "$2/hosts"
echo "nameserver 10.0.2.3" > "$2/resolv.conf" # slirp4netns answers there
mount --bind "$2/hosts" /etc/hosts
mount --bind "$2/resolv.conf" /etc/resolv.conf
ip link set lo up
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=registry \
  -addext "subjectAltName=$(echo "DNS:$registries" | sed 's/ /,DNS:/g')" -keyout "$2/tls.key" -out "$2/tls.crt" 2> /dev/null
cat "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$2/tls.crt" > "$2/trusted.crt"
export SSL_CERT_FILE="$2/trusted.crt"
# By HTTP as the mirror, and by TLS under the names: two servers of one folder.
serve() {
  printf 'version: 0.1\nstorage: { filesystem: { rootdirectory: "%s" } }\nhttp: { %s }\n' "$2/registry" "$3" > "$2/$1.yml"
  docker-registry serve "$2/$1.yml" &
}
serve http "$2" 'addr: "127.0.0.1:80"'
serve https "$2" "addr: \"127.0.0.1:443\", tls: { certificate: \"$2/tls.crt\", key: \"$2/tls.key\" }"
exec dockerd --host "unix://$2/docker.sock" --data-root "$2/data" --exec-root "$2/exec" --pidfile "$2/docker.pid" \
  --storage-driver overlay2 --cgroup-parent "/$3" --registry-mirror http://127.0.0.1
