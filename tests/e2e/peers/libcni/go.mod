// Programs of others that tests run beside ours; scripts/peers builds them. To add one:
// go get -tool <package>@<version>
module headcni/tests/e2e/peers/libcni

go 1.24

tool (
	github.com/containernetworking/cni/cnitool
	headcni/tests/e2e/peers/libcni/libcni_gc
)

require github.com/containernetworking/cni v1.3.0
