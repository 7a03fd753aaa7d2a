package image

import (
	"context"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/proto/go"
)

const builtAnswer = `{"stream":"Step 1/1 : FROM scr"}{"stream":"atch\n"}{"aux":{"ID":"sha256:abc"}}`

func create(t *testing.T, d *daemon, props resource.PropertyMap, preview bool) (resource.PropertyMap, []string, error) {
	t.Helper()
	var shown []string
	properties, err := marshal(props)
	must(t, err)
	response, err := resourceOn(d, &shown).Create(
		context.Background(), &pulumirpc.CreateRequest{Urn: urn, Properties: properties, Preview: preview})
	if err != nil {
		return nil, shown, err
	}
	out, err := unmarshal(response.Properties)
	must(t, err)
	return out, shown, nil
}

func TestCreateBuildsAndTags(t *testing.T) {
	d := &daemon{answer: builtAnswer}
	out, shown, err := create(t, d, args(app(t), map[string]any{"args": map[string]any{"A": "1"}, "target": "x"}, nil), false)
	must(t, err)
	for name, want := range map[string]string{
		"repoDigest": "sha256:abc", "imageName": "team/app:1", "dockerfile": "Dockerfile", "platform": "linux/arm64/v8",
	} {
		if got := text(out[resource.PropertyKey(name)]); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	if strings.Join(shown, "|") != "Step 1/1 : FROM scratch" {
		t.Errorf("shown is %q", shown)
	}
	if d.options.Tags[0] != "docker.io/team/app:1" || *d.options.BuildArgs["A"] != "1" || d.options.Target != "x" {
		t.Errorf("built with %+v", d.options)
	}
	if len(d.refs) > 0 {
		t.Errorf("skipPush, and yet: %v", d.refs)
	}
}

func TestCreatePushes(t *testing.T) {
	d := &daemon{answer: builtAnswer, pushed: `{"status":"Pushed","id":"l1"}{"aux":{"Tag":"1","Digest":"sha256:def","Size":1}}`}
	out, _, err := create(t, d, args(app(t), nil, map[string]any{"skipPush": false, "imageName": "ghcr.io/team/app"}), false)
	must(t, err)
	if got := text(out["repoDigest"]); got != "ghcr.io/team/app@sha256:def" {
		t.Errorf("repoDigest is %q", got)
	}
	if strings.Join(d.refs, "|") != "push ghcr.io/team/app:latest" {
		t.Errorf("asked for %v", d.refs)
	}
}

func TestPreviewBuildsOnlyWhenAsked(t *testing.T) {
	for name, test := range map[string]struct {
		rest map[string]any
		want string
	}{
		"not asked":     {nil, ""},
		"asked":         {map[string]any{"buildOnPreview": true}, "sha256:abc"},
		"asked to push": {map[string]any{"buildOnPreview": true, "skipPush": false}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := &daemon{answer: builtAnswer}
			out, _, err := create(t, d, args(app(t), nil, test.rest), true)
			must(t, err)
			if got := text(out["repoDigest"]); got != test.want || (got == "" && !out["repoDigest"].IsComputed()) {
				t.Errorf("repoDigest is %v", out["repoDigest"])
			}
			if len(d.refs) > 0 {
				t.Errorf("a preview asked for %v", d.refs)
			}
		})
	}
}

func TestFailedBuildShowsItsLastLinesWithoutSecrets(t *testing.T) {
	props := args(app(t), map[string]any{"args": map[string]any{"TOKEN": "hunter2\nsecond line", "V": "1"}}, nil)
	d := &daemon{answer: `{"stream":"using hun"}{"stream":"ter2\nand second line\n"}` +
		`{"errorDetail":{"message":"x"},"error":"RUN echo hunter2: code 1"}`}
	_, shown, err := create(t, d, props, false)
	if err == nil {
		t.Fatal("no error")
	}
	said := err.Error() + strings.Join(shown, "\n")
	for _, hidden := range []string{"hunter2", "second line"} {
		if strings.Contains(said, hidden) {
			t.Errorf("%q is in what was said:\n%s", hidden, said)
		}
	}
	for _, want := range []string{"building docker.io/team/app:1", "echo [build.args.TOKEN]: code 1", "using [build.args.TOKEN]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in the error:\n%s", want, err)
		}
	}
	if *d.options.BuildArgs["TOKEN"] != "hunter2\nsecond line" {
		t.Error("the build did not get the secret")
	}
}

func TestUnusableCacheDoesNotFailTheBuild(t *testing.T) {
	d := &daemon{answer: builtAnswer}
	cache := map[string]any{"cacheFrom": map[string]any{"images": []any{"team/app:0"}}}
	_, shown, err := create(t, d, args(app(t), cache, nil), false)
	must(t, err)
	if !strings.Contains(strings.Join(shown, "\n"), "cacheFrom team/app:0: not used") {
		t.Errorf("shown is %q", shown)
	}
}
