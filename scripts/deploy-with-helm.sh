#!/bin/bash
# Puts HeadCNI into the cluster that kubectl is set up for, by chart/, or upgrades it there. Keys go
# from a file or standard input into a Secret: never onto a command line, where every user of this
# machine could read them, and never into the values that Helm keeps.
set -euo pipefail

usage() {
  cat <<'END'
Usage: scripts/deploy-with-helm.sh -u URL [OPTION...]

  -u, --headscale-url URL    the Headscale server
  -k, --auth-key FILE        an API key of Headscale, in a file; "-" reads it from standard input
      --auth-key-file FILE   the same
  -j, --join-key-file FILE   a pre-auth key by which nodes join, in the same ways
  -n, --namespace NAME       default: kube-system
  -r, --release NAME         default: headcni
  -p, --pod-cidr CIDR        the pod network of the cluster; else the daemon finds it on the node
  -s, --service-cidr CIDR    the service network of the cluster; the same
  -i, --ipam-type TYPE       headcni-ipam (default) or host-local
  -t, --tags TAGS            tags of the nodes in their tailnet, such as tag:headcni
      --image NAME           image of HeadCNI, such as registry.example.com/headcni:0.1.0
  -f, --values FILE          more values of the chart; may be repeated, and flags win
      --timeout DURATION     how long to wait for the nodes, default: 5m
      --no-wait              do not wait for them
      --dry-run              change nothing: show what would be done, and what the API server says to it
  -h, --help

Without a key, nodes are to be in their tailnet already, and autoApprovers of its policy to approve
their routes. A release that is there is upgraded: what was set before stays unless a flag changes it.
Helm 3.14 or later is needed.
END
}

chart=$(cd "$(dirname "${BASH_SOURCE[0]}")/../chart" && pwd)
url='' auth_key_file='' join_key_file='' pod_cidr='' service_cidr='' ipam_type='' tags='' image=''
namespace=kube-system release=headcni timeout=5m
wait=yes dry_run=''
values_files=()

main() {
  read_flags "$@"
  check_flags
  local auth_key='' join_key=''
  [[ -z $auth_key_file ]] || auth_key=$(read_key -k "$auth_key_file")
  [[ -z $join_key_file ]] || join_key=$(read_key -j "$join_key_file")
  check_tools
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  write_values >"$work/values.json"
  provide_namespace
  [[ -z $auth_key$join_key ]] || require_free_secret
  [[ -z $auth_key ]] || provide_key auth-key "$auth_key"
  [[ -z $join_key ]] || provide_key tailscale-auth-key "$join_key"
  deploy
}

read_flags() {
  while [[ $# -gt 0 ]]; do
    case $1 in
      -h | --help) usage && exit ;;
      --no-wait) wait='' && shift && continue ;;
      --dry-run) dry_run=yes && shift && continue ;;
      --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    esac
    [[ $1 == -* ]] || stop 2 "Cannot use \"$1\": a flag wanted; see --help"
    [[ $# -gt 1 ]] || stop 2 "Cannot use \"$1\": its value, or such a flag, is missing; see --help"
    case $1 in
      -u | --headscale-url) url=$2 ;;
      -k | --auth-key | --auth-key-file) auth_key_file=$2 ;;
      -j | --join-key-file) join_key_file=$2 ;;
      -n | --namespace) namespace=$2 ;;
      -r | --release) release=$2 ;;
      -p | --pod-cidr) pod_cidr=$2 ;;
      -s | --service-cidr) service_cidr=$2 ;;
      -i | --ipam-type) ipam_type=$2 ;;
      -t | --tags) tags=$2 ;;
      --image) image=$2 ;;
      -f | --values) values_files+=("$2") ;;
      --timeout) timeout=$2 ;;
      *) stop 2 "Cannot use \"$1\": there is no such flag; see --help" ;;
    esac
    shift 2
  done
}

check_flags() {
  local name='^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' cidrs='^[0-9a-fA-F.:]+/[0-9]+(,[0-9a-fA-F.:]+/[0-9]+)?$'
  local tag='tag:[A-Za-z][A-Za-z0-9-]*'
  [[ -n $url ]] || stop 2 'Cannot do without the Headscale server: name it by -u; see --help'
  matches -u "$url" '^https?://[^[:space:][:cntrl:]]+$' "an http or https URL"
  matches -n "$namespace" "$name" "the name of a namespace"
  matches -r "$release" "$name" "the name of a release"
  matches -p "${pod_cidr:-::/0}" "$cidrs" "a prefix such as 10.244.0.0/16"
  matches -s "${service_cidr:-::/0}" "$cidrs" "a prefix such as 10.96.0.0/16"
  matches -i "${ipam_type:-host-local}" '^(headcni-ipam|host-local)$' "headcni-ipam or host-local"
  matches -t "${tags:-tag:a}" "^$tag(,$tag)*\$" "tags such as tag:headcni"
  matches --image "${image:-x}" '^[a-z0-9][a-zA-Z0-9_.:/@-]*$' "the name of an image"
  matches --timeout "$timeout" '^([0-9]+(s|m|h))+$' "a duration such as 5m"
  [[ $auth_key_file$join_key_file != -- ]] ||
    stop 2 'Cannot read two keys from standard input: name a file by -k or by -j'
  local file
  for file in ${values_files[@]+"${values_files[@]}"}; do
    [[ -r $file ]] || stop 2 "Cannot read values \"$file\": there is no such file, or it may not be read"
  done
}

# matches FLAG VALUE PATTERN WHAT
matches() {
  [[ $2 =~ $3 ]] || stop 2 "Cannot use \"$2\" as $1: $4 wanted"
}

# read_key FLAG FILE: prints the key. What is no file may be a key: it is not repeated.
read_key() {
  local key
  if [[ $2 == - ]]; then
    key=$(cat)
  elif [[ -f $2 && -r $2 ]]; then
    [[ -z $(find -L "$2" -maxdepth 0 \( -perm -040 -o -perm -004 \)) ]] ||
      say "warning: others than you may read the file of $1; chmod 600 it"
    key=$(cat -- "$2")
  else
    stop 2 "Cannot use what $1 names: it is no file that can be read. A key itself is not taken from
the command line, which every user of this machine can see: write it to a file of mode 0600, or give
\"$1 -\" and the key on standard input"
  fi
  [[ -n $key && $key != *[[:space:]]* ]] || stop 2 "Cannot use the key of $1: one word wanted"
  printf '%s' "$key"
}

check_tools() {
  local tool
  for tool in kubectl helm; do
    command -v "$tool" >/dev/null || stop 1 "Cannot find $tool: install it, and put it on the PATH"
  done
  kubectl cluster-info >/dev/null ||
    stop 1 'Cannot reach the cluster: "kubectl cluster-info" has to work first'
}

# JSON is YAML, and leaves nothing to --set, which splits at commas and dots.
write_values() {
  local settings=("\"headscale\": {\"url\": $(quote "$url")}")
  local network=()
  [[ -z $pod_cidr ]] || network+=("\"podCIDR\": {\"base\": $(quote "$pod_cidr")}")
  [[ -z $service_cidr ]] || network+=("\"serviceCIDR\": $(quote "$service_cidr")")
  [[ ${#network[@]} -eq 0 ]] || settings+=("\"network\": {$(join "${network[@]}")}")
  [[ -z $ipam_type ]] || settings+=("\"ipam\": {\"type\": $(quote "$ipam_type")}")
  [[ -z $tags ]] || settings+=("\"tailscale\": {\"tags\": $(quote "$tags")}")
  local values=("\"config\": {$(join "${settings[@]}")}")
  [[ -z $image ]] || values+=("\"image\": {\"repository\": $(quote "$image")}")
  local secret=()
  [[ -z $auth_key_file ]] || secret+=('"headscaleKey": "auth-key"')
  [[ -z $join_key_file ]] || secret+=('"tailscaleKey": "tailscale-auth-key"')
  [[ ${#secret[@]} -eq 0 ]] ||
    values+=("\"secret\": {\"existingName\": $(quote "$release-auth"), $(join "${secret[@]}")}")
  printf '{%s}\n' "$(join "${values[@]}")"
}

# A text as JSON; there are no control characters in it.
quote() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

join() {
  local IFS=,
  printf '%s' "$*"
}

# One of our own may hold pods that work on the node itself.
provide_namespace() {
  ! kubectl get namespace "$namespace" >/dev/null 2>&1 || return 0
  change kubectl create namespace "$namespace"
  change kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=privileged
}

# One that the chart made of keys in its values would go with them.
require_free_secret() {
  local owner
  owner=$(kubectl get secrets --namespace "$namespace" --field-selector "metadata.name=$release-auth" \
    --output 'jsonpath={.items[*].metadata.labels.app\.kubernetes\.io/managed-by}')
  [[ $owner != Helm ]] || stop 2 "Cannot write Secret \"$release-auth\": the chart made it of keys in its values;\
 take config.headscale.authKey and config.tailscale.authKey out of them first, by -f with null in their place"
}

# provide_key NAME KEY: it passes by a pipe. Server-side, or an annotation would have it; and by a manager of
# its own, or what an apply leaves out would be taken from the Secret: the other key.
provide_key() {
  if [[ -n $dry_run ]]; then
    say "would write $1 into Secret \"$release-auth\" in namespace \"$namespace\""
    return
  fi
  kubectl create secret generic "$release-auth" --namespace "$namespace" --from-file="$1"=/dev/fd/3 \
    --dry-run=client --output=yaml 3< <(printf '%s' "$2") |
    kubectl apply --server-side --force-conflicts --field-manager="headcni-deploy-$1" --filename=-
}

deploy() {
  local command=(helm upgrade --install "$release" "$chart" --namespace "$namespace") file count=0
  # What no flag says stays as it was set before.
  command+=(--reset-then-reuse-values)
  for file in ${values_files[@]+"${values_files[@]}"}; do
    # Helm splits a name at its commas.
    cp -- "$file" "$work/$((count += 1)).yaml"
    command+=(--values "$work/$count.yaml")
  done
  command+=(--values "$work/values.json")
  if [[ -n $dry_run ]]; then
    command+=(--dry-run=server)
    [[ -n $(kubectl get namespace "$namespace" 2>/dev/null) ]] || command+=(--create-namespace)
    "${command[@]}"
    return
  fi
  "${command[@]}"
  [[ -n $wait ]] || return 0
  say "waiting for the nodes, up to $timeout"
  kubectl rollout status daemonset --namespace "$namespace" --timeout "$timeout" \
    --selector "app.kubernetes.io/instance=$release,app.kubernetes.io/component=daemon"
}

# Runs a command, or shows it.
change() {
  if [[ -n $dry_run ]]; then
    say "would run:$(printf ' %q' "$@")"
  else
    "$@"
  fi
}

say() {
  printf 'deploy-with-helm: %s\n' "$*" >&2
}

# stop CODE TEXT
stop() {
  say "$2"
  exit "$1"
}

main "$@"
