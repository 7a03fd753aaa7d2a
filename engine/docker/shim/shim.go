// Package shim hands out upstream's Terraform provider, which upstream keeps in an internal package. Go lets a package
// import another's internals when its own path lies below: that is why this module carries upstream's path.
package shim

import (
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/client"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// Connection is what a configured provider talks to Docker with.
type Connection struct {
	Client *client.Client
	// Credentials are those of the provider's registryAuth, by the registry's host name.
	Credentials map[string]types.AuthConfig
}

// NewProvider returns upstream's provider, not yet configured.
func NewProvider() *schema.Provider {
	return provider.New("dev")()
}

// ConnectionOf returns the connection of a provider; false before it is configured.
func ConnectionOf(p *schema.Provider) (Connection, bool) {
	config, ok := p.Meta().(*provider.ProviderConfig)
	if !ok {
		return Connection{}, false
	}
	return Connection{Client: config.DockerClient, Credentials: config.AuthConfigs.Configs}, true
}
