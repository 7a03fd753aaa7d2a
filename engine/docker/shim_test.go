package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-sdk/v2/terraform"
	"github.com/terraform-providers/terraform-provider-docker/shim"
)

func TestSpeaksTheNewestAPIThatBothKnow(t *testing.T) {
	for offered, want := range map[string]string{"1.40": "1.40", "1.41": "1.41", "1.43": "1.41", "1.44": "1.44", "1.51": "1.44"} {
		t.Run(offered, func(t *testing.T) {
			var asked []string
			daemon := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, req *http.Request) {
				if req.URL.Path != "/_ping" {
					asked = append(asked, req.URL.Path)
				}
				answer.Header().Set("Api-Version", offered)
				_, _ = answer.Write([]byte("{}"))
			}))
			defer daemon.Close()
			upstream := shim.NewProvider()
			host := map[string]any{"host": "tcp://" + daemon.Listener.Addr().String()}
			if problems := upstream.Configure(context.Background(), terraform.NewResourceConfigRaw(host)); problems.HasError() {
				t.Fatal(problems)
			}
			bridged, _ := shim.ConnectionOf(upstream)
			if _, err := bridged.Client.ContainerInspect(context.Background(), "c"); err != nil {
				t.Fatal(err)
			}
			forImages, _ := connectionOf(upstream)()
			if _, _, err := forImages.Daemon.ImageInspectWithRaw(context.Background(), "i"); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(asked, " "); got != "/v"+want+"/containers/c/json /v"+want+"/images/i/json" {
				t.Errorf("the daemon was asked for %s", got)
			}
			if got := bridged.Client.ClientVersion(); got != want {
				t.Errorf("the client's version is %s", got)
			}
		})
	}
}

func TestADaemonThatDoesNotAnswerIsUpstreamsError(t *testing.T) {
	upstream := shim.NewProvider()
	host := map[string]any{"host": "unix://" + t.TempDir() + "/none.sock"}
	problems := upstream.Configure(context.Background(), terraform.NewResourceConfigRaw(host))
	if len(problems) != 1 || !strings.HasPrefix(problems[0].Summary, "Error pinging Docker server") {
		t.Errorf("the problems are %v", problems)
	}
}

func TestTheDefaultNetworkHasThreeNames(t *testing.T) {
	container := shim.NewProvider().ResourcesMap["docker_container"]
	for _, test := range []struct {
		before, after string
		replaces      bool
	}{
		{"bridge", "", false},
		{"bridge", "default", false},
		{"default", "", false},
		{"", "bridge", false},
		{"default", "bridge", false},
		{"bridge", "host", true},
		{"host", "", true},
		{"host", "bridge", true},
		{"none", "host", true},
	} {
		t.Run(test.before+" to "+test.after, func(t *testing.T) {
			state := &terraform.InstanceState{
				ID:         "c",
				Attributes: map[string]string{"name": "c", "image": "i", "network_mode": test.before},
			}
			config := map[string]any{"name": "c", "image": "i"}
			if test.after != "" {
				config["network_mode"] = test.after
			}
			diff, err := container.Diff(context.Background(), state, terraform.NewResourceConfigRaw(config), nil)
			if err != nil {
				t.Fatal(err)
			}
			var replaces bool
			if diff != nil && diff.Attributes["network_mode"] != nil {
				replaces = diff.Attributes["network_mode"].RequiresNew
			}
			if replaces != test.replaces {
				t.Errorf("the difference is %v", diff)
			}
		})
	}
}
