// Calls GC through libcni with the attachments that are still valid: what cnitool cannot do, for it
// never sends any.
//
// Usage: libcni_gc NETWORK [CONTAINER...], with NETCONFPATH, CNI_PATH and CNI_IFNAME as for cnitool.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: %s NETWORK [CONTAINER...]", filepath.Base(os.Args[0])))
	}
	list, err := libcni.LoadNetworkConf(os.Getenv("NETCONFPATH"), os.Args[1])
	if err != nil {
		fail(err)
	}
	valid := []types.GCAttachment{} // empty is not absent: then every attachment goes
	for _, id := range os.Args[2:] {
		valid = append(valid, types.GCAttachment{ContainerID: id, IfName: os.Getenv("CNI_IFNAME")})
	}
	plugins := libcni.NewCNIConfig(filepath.SplitList(os.Getenv("CNI_PATH")), nil)
	args := &libcni.GCArgs{ValidAttachments: valid}
	if err := plugins.GCNetworkList(context.Background(), list, args); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
