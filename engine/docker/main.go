// Command pulumi-resource-docker is a Pulumi resource plugin: upstream's Docker provider behind Pulumi's Terraform bridge,
// and beside it the Image resource, which upstream does not have.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	"github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/terraform-providers/terraform-provider-docker/shim"
)

// version is what the plugin reports to the engine; the build stamps it (see ../build.json).
var version = "5.2.0+dev"

func main() {
	err := provider.Main("docker", func(host *provider.HostClient) (pulumirpc.ResourceProviderServer, error) {
		return newServer(context.Background(), host, shim.NewProvider()), nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
