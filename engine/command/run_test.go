package main

import (
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

func TestFailureIsAnErrorWithTheOutput(t *testing.T) {
	_, err := serve(t).Create(p.CreateRequest{Urn: urn, Properties: props(map[string]any{
		"create": "echo on stdout; echo on stderr >&2; exit 3",
	})})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"exit status 3", "on stdout", "on stderr"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in the error: %s", part, err)
		}
	}
}

func TestErrorsHideSecrets(t *testing.T) {
	secret := func(value string) property.Value { return property.New(value).WithSecret(true) }
	inputs := props(map[string]any{
		"create":      `echo "$TOKEN"; cat; exit 1`,
		"update":      `cat; echo "$TOKEN" >&2; exit 1`,
		"delete":      `echo "$TOKEN"; exit 1`,
		"environment": map[string]property.Value{"TOKEN": secret("hunter2")},
		"stdin":       secret("first line\nsecond line"),
	})
	state := inputs.Set("stdout", property.New("")).Set("stderr", property.New(""))
	server := serve(t)
	_, createErr := server.Create(p.CreateRequest{Urn: urn, Properties: inputs})
	_, updateErr := server.Update(p.UpdateRequest{Urn: urn, State: state, Inputs: inputs})
	deleteErr := server.Delete(p.DeleteRequest{Urn: urn, Properties: state})
	_, runErr := server.Invoke(p.InvokeRequest{Token: "command:local:run", Args: props(map[string]any{
		"command":     `echo "$TOKEN"; exit 1`,
		"environment": map[string]property.Value{"TOKEN": property.New("hunter2")},
	})})
	for name, err := range map[string]error{"create": createErr, "update": updateErr, "delete": deleteErr, "run": runErr} {
		if err == nil || !strings.Contains(err.Error(), "exit status 1") || !strings.Contains(err.Error(), "[secret]") {
			t.Errorf("%s: the command's failure is not in the error: %v", name, err)
			continue
		}
		for _, hidden := range []string{"hunter2", "first line", "second line"} {
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: %q is in the error: %s", name, hidden, err)
			}
		}
	}
}

func TestRunReturnsOutputAndRepeatsItsInputs(t *testing.T) {
	response, err := serve(t).Invoke(p.InvokeRequest{Token: "command:local:run", Args: props(map[string]any{
		"command":     `echo "$0 $NAME"`,
		"interpreter": []property.Value{property.New("/bin/sh"), property.New("-c")},
		"environment": map[string]property.Value{"NAME": property.New("it")},
		"dir":         t.TempDir(),
		"logging":     "none",
	})})
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, response.Return, "stdout"); got != "/bin/sh it" {
		t.Errorf("stdout is %q", got)
	}
	if got := text(t, response.Return, "logging"); got != "none" {
		t.Errorf("logging is %q", got)
	}
}

func TestFilesAreReturnedByGlob(t *testing.T) {
	state := create(t, props(map[string]any{
		"create":       "mkdir sub; touch one.txt sub/two.txt sub/secret.txt",
		"dir":          t.TempDir(),
		"assetPaths":   []property.Value{property.New("**.txt"), property.New("!**secret*")},
		"archivePaths": []property.Value{property.New("sub/*")},
	}))
	assets := state.Get("assets").AsMap()
	for _, name := range []string{"one.txt", "sub/two.txt"} {
		if !assets.Get(name).IsAsset() {
			t.Errorf("%s is not among the assets", name)
		}
	}
	if _, found := assets.GetOk("sub/secret.txt"); found {
		t.Error("a file that was taken out is among the assets")
	}
	// The wire form of an archive is a map with its members under "assets".
	members := state.Get("archive").AsMap().Get("assets").AsMap()
	if _, found := members.GetOk("sub/two.txt"); !found || members.Len() != 2 {
		t.Errorf("the archive holds %v", members)
	}
}
