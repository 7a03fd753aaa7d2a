package image

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/distribution/reference"
	"github.com/docker/docker/api/types"
)

// Docker Hub's own name and the name that its credentials are kept under.
const (
	hubHost = "docker.io"
	hubAuth = "https://index.docker.io/v1/"
)

// credentials knows the passwords for an Image's registries: those of its `registry`, then those of the provider's
// `registryAuth`, then those of the Docker config file.
type credentials struct {
	registry   registry
	configured map[string]types.AuthConfig
}

// all returns every credential by server, for the base images of a build.
func (c credentials) all() map[string]types.AuthConfig {
	found := map[string]types.AuthConfig{}
	file := config.LoadDefaultConfigFile(io.Discard)
	// A credential helper that is missing or fails is not a reason to fail a build that may not need it.
	if stored, err := file.GetAllCredentials(); err == nil {
		for server, auth := range stored {
			found[server] = types.AuthConfig{
				Username:      auth.Username,
				Password:      auth.Password,
				Auth:          auth.Auth,
				ServerAddress: auth.ServerAddress,
				IdentityToken: auth.IdentityToken,
				RegistryToken: auth.RegistryToken,
			}
		}
	}
	for host, auth := range c.configured {
		found[serverOf(host)] = auth
	}
	if c.registry.username != "" {
		server := serverOf(hostOf(c.registry.server))
		found[server] = types.AuthConfig{
			Username:      c.registry.username,
			Password:      c.registry.password,
			ServerAddress: server,
		}
	}
	return found
}

// header is the encoded credential for the registry of one image; empty for a registry without one.
func (c credentials) header(image reference.Named) (string, error) {
	host := reference.Domain(image)
	for server, auth := range c.all() {
		if serverOf(hostOf(server)) == serverOf(host) {
			encoded, err := json.Marshal(auth)
			return base64.URLEncoding.EncodeToString(encoded), err
		}
	}
	// The daemon refuses a push without the header, so one without a credential is sent.
	return base64.URLEncoding.EncodeToString([]byte("{}")), nil
}

// hostOf returns the host of a registry's address: "https://ghcr.io/v2/" and "ghcr.io/owner" are both "ghcr.io".
func hostOf(address string) string {
	address = strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://")
	host, _, _ := strings.Cut(address, "/")
	return host
}

func serverOf(host string) string {
	switch host {
	case "", hubHost, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com":
		return hubAuth
	}
	return host
}
