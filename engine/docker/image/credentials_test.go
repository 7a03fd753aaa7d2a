package image

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/docker/docker/api/types"
)

func TestCredentialsAreFoundByTheImagesRegistry(t *testing.T) {
	c := credentials{
		registry: registry{server: "https://ghcr.io/v2/", username: "me", password: "mine"},
		configured: map[string]types.AuthConfig{
			"ghcr.io":            {Username: "other"},
			"localhost:5000":     {Username: "local"},
			"index.docker.io":    {Username: "hub"},
			"registry.test:5000": {Username: "test"},
		},
	}
	for image, want := range map[string]string{
		"ghcr.io/team/app:1":        "me",
		"localhost:5000/app":        "local",
		"app":                       "hub",
		"team/app":                  "hub",
		"registry.test:5000/team/a": "test",
		"elsewhere.test/app":        "",
	} {
		name, err := tagged(image)
		must(t, err)
		header, err := c.header(name)
		must(t, err)
		decoded, err := base64.URLEncoding.DecodeString(header)
		must(t, err)
		var auth types.AuthConfig
		must(t, json.Unmarshal(decoded, &auth))
		if auth.Username != want {
			t.Errorf("%s: the user is %q, not %q", image, auth.Username, want)
		}
	}
}
