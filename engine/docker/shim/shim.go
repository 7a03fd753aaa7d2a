// Package shim hands out upstream's Terraform provider, which upstream keeps in an internal package. Go lets a package
// import another's internals when its own path lies below: that is why this module carries upstream's path.
package shim

import (
	"context"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// Connection is what a configured provider talks to Docker with.
type Connection struct {
	Client *client.Client
	// Credentials are those of the provider's registryAuth, by the registry's host name.
	Credentials map[string]types.AuthConfig
}

// newestAPI is the version to speak with a daemon that offers it. Upstream's client ends at 1.41, which Docker 29.0 to 29.2 refuse.
const newestAPI = "1.44"

// NewProvider returns upstream's provider, not yet configured.
func NewProvider() *schema.Provider {
	p := provider.New("dev")()
	configure := p.ConfigureContextFunc
	p.ConfigureContextFunc = func(ctx context.Context, d *schema.ResourceData) (any, diag.Diagnostics) {
		meta, problems := configure(ctx, d)
		if config, ok := meta.(*provider.ProviderConfig); ok {
			raiseVersion(ctx, config.DockerClient)
		}
		return meta, problems
	}
	acceptBridge(p.ResourcesMap["docker_container"].Schema["network_mode"])
	return p
}

// raiseVersion leaves an older daemon, or one that does not answer, to the client's own negotiation, which only goes down.
func raiseVersion(ctx context.Context, daemon *client.Client) {
	if ping, err := daemon.Ping(ctx); err == nil && versions.GreaterThanOrEqualTo(ping.APIVersion, newestAPI) {
		// Fixing a version cannot fail, and ends the negotiation.
		_ = client.WithVersion(newestAPI)(daemon)
	}
}

// acceptBridge also takes "bridge" for "nothing asked for": Docker 29 reports it so, and each update would replace the container.
func acceptBridge(networkMode *schema.Schema) {
	same := networkMode.DiffSuppressFunc
	asDefault := func(mode string) string {
		if mode == "bridge" {
			return "default"
		}
		return mode
	}
	networkMode.DiffSuppressFunc = func(key, before, after string, d *schema.ResourceData) bool {
		return same(key, asDefault(before), asDefault(after), d)
	}
}

// ConnectionOf returns the connection of a provider; false before it is configured.
func ConnectionOf(p *schema.Provider) (Connection, bool) {
	config, ok := p.Meta().(*provider.ProviderConfig)
	if !ok {
		return Connection{}, false
	}
	return Connection{Client: config.DockerClient, Credentials: config.AuthConfigs.Configs}, true
}
