package image

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/errdefs"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

const urn = "urn:pulumi:dev::test::docker:index/image:Image::it"

// daemon answers with what a test gives it and remembers what it was asked.
type daemon struct {
	answer  string // to a build
	pushed  string // to a push
	gone    bool
	options types.ImageBuildOptions
	refs    []string
}

func (d *daemon) ImageBuild(
	_ context.Context, archive io.Reader, options types.ImageBuildOptions,
) (types.ImageBuildResponse, error) {
	d.options = options
	_, err := io.Copy(io.Discard, archive)
	return types.ImageBuildResponse{Body: io.NopCloser(strings.NewReader(d.answer))}, err
}

func (d *daemon) ImageInspectWithRaw(_ context.Context, id string) (types.ImageInspect, []byte, error) {
	if d.gone {
		return types.ImageInspect{}, nil, errdefs.NotFound(errors.New("no such image"))
	}
	return types.ImageInspect{ID: id, Os: "linux", Architecture: "arm64", Variant: "v8"}, nil, nil
}

func (d *daemon) ImagePush(_ context.Context, ref string, _ types.ImagePushOptions) (io.ReadCloser, error) {
	d.refs = append(d.refs, "push "+ref)
	return io.NopCloser(strings.NewReader(d.pushed)), nil
}

func (d *daemon) ImagePull(_ context.Context, ref string, _ types.ImagePullOptions) (io.ReadCloser, error) {
	d.refs = append(d.refs, "pull "+ref)
	return nil, errors.New("not found")
}

func resourceOn(d *daemon, shown *[]string) *Resource {
	report := func(_ context.Context, _ resource.URN, line string) { *shown = append(*shown, line) }
	return NewResource(report, func() (Connection, bool) { return Connection{Daemon: d}, true })
}

// args are a program's inputs: an app directory, the changes to `build`, the changes to the rest.
func args(dir string, build, rest map[string]any) resource.PropertyMap {
	buildArgs := map[string]any{"context": dir, "dockerfile": dir + "/Dockerfile"}
	for name, value := range build {
		buildArgs[name] = value
	}
	all := map[string]any{"imageName": "team/app:1", "skipPush": true, "buildOnPreview": false, "build": buildArgs}
	for name, value := range rest {
		all[name] = value
	}
	return resource.NewPropertyMapFromMap(all)
}

func check(t *testing.T, props resource.PropertyMap) *structpb.Struct {
	t.Helper()
	news, err := marshal(props)
	must(t, err)
	response, err := resourceOn(&daemon{}, &[]string{}).Check(context.Background(), &pulumirpc.CheckRequest{Urn: urn, News: news})
	must(t, err)
	if len(response.Failures) > 0 {
		t.Fatal(response.Failures)
	}
	return response.Inputs
}

func app(t *testing.T) string {
	return project(t, map[string]string{"Dockerfile": "FROM scratch\n", "main.sh": "echo"})
}

func TestDiffOfInputs(t *testing.T) {
	dir := app(t)
	credentials := map[string]any{"registry": map[string]any{"server": "ghcr.io", "username": "me", "password": "new"}}
	old := args(dir, map[string]any{"args": map[string]any{"A": "1"}}, map[string]any{
		"registry": map[string]any{"server": "ghcr.io", "username": "me", "password": "old"},
	})
	same := map[string]any{"args": map[string]any{"A": "1"}}
	for name, test := range map[string]struct {
		news resource.PropertyMap
		want string
	}{
		"password":       {args(dir, same, credentials), ""},
		"buildOnPreview": {args(dir, same, map[string]any{"registry": credentials["registry"], "buildOnPreview": true}), ""},
		"argument":       {args(dir, map[string]any{"args": map[string]any{"A": "2"}}, credentials), "build.args"},
		"target":         {args(dir, map[string]any{"args": same["args"], "target": "x"}, credentials), "build.target"},
		"platform":       {args(dir, map[string]any{"args": same["args"], "platform": "linux/arm64"}, credentials), "build.platform"},
		"name":           {args(dir, same, map[string]any{"registry": credentials["registry"], "imageName": "team/app:2"}), "imageName"},
		"push":           {args(dir, same, map[string]any{"registry": credentials["registry"], "skipPush": false}), "skipPush"},
	} {
		t.Run(name, func(t *testing.T) { expectDiff(t, check(t, old), check(t, test.news), test.want) })
	}
}

func TestDiffOfTheContext(t *testing.T) {
	dir := app(t)
	before := check(t, args(dir, nil, nil))
	expectDiff(t, before, check(t, args(dir, nil, nil)), "")
	must(t, os.WriteFile(dir+"/main.sh", []byte("changed"), 0o644))
	expectDiff(t, before, check(t, args(dir, nil, nil)), "build.contextDigest")
}

// expectDiff wants exactly one path to differ, in place; none if the path is empty.
func expectDiff(t *testing.T, olds, news *structpb.Struct, path string) {
	t.Helper()
	response, err := resourceOn(&daemon{}, &[]string{}).Diff(
		context.Background(), &pulumirpc.DiffRequest{Urn: urn, OldInputs: olds, News: news})
	must(t, err)
	if len(response.Replaces) > 0 {
		t.Errorf("%v would be replaced", response.Replaces)
	}
	if path == "" {
		if response.Changes != pulumirpc.DiffResponse_DIFF_NONE {
			t.Errorf("the diff is %v, not empty", response.DetailedDiff)
		}
		return
	}
	if _, found := response.DetailedDiff[path]; !found || len(response.DetailedDiff) != 1 {
		t.Errorf("the diff is %v, not of %s", response.DetailedDiff, path)
	}
}

func TestCheckCompletesTheBuild(t *testing.T) {
	t.Chdir(app(t))
	inputs, err := unmarshal(check(t, resource.NewPropertyMapFromMap(map[string]any{"imageName": "app"})))
	must(t, err)
	build := object(inputs["build"])
	if text(build["context"]) != "." || text(build["dockerfile"]) != "Dockerfile" || text(build[digestKey]) == "" {
		t.Errorf("build is %v", build)
	}
}

func TestCheckReportsAllFailures(t *testing.T) {
	news, err := marshal(args("nowhere", nil, map[string]any{"imageName": "Not A Name"}))
	must(t, err)
	response, err := resourceOn(&daemon{}, &[]string{}).Check(context.Background(), &pulumirpc.CheckRequest{Urn: urn, News: news})
	must(t, err)
	var properties []string
	for _, failure := range response.Failures {
		properties = append(properties, failure.Property)
	}
	if got := strings.Join(properties, " "); got != "imageName build" {
		t.Errorf("the failures are of %q", got)
	}
}

func TestReadReportsAPrunedImageAsDeleted(t *testing.T) {
	for name, test := range map[string]struct {
		gone, skipPush bool
		want           string
	}{
		"there":            {false, true, "team/app:1"},
		"gone":             {true, true, ""},
		"gone, but pushed": {true, false, "team/app:1"},
	} {
		t.Run(name, func(t *testing.T) {
			inputs, err := marshal(args(app(t), nil, map[string]any{"skipPush": test.skipPush}))
			must(t, err)
			state, err := marshal(resource.PropertyMap{"repoDigest": resource.NewProperty("sha256:abc")})
			must(t, err)
			response, err := resourceOn(&daemon{gone: test.gone}, &[]string{}).Read(
				context.Background(), &pulumirpc.ReadRequest{Id: "team/app:1", Urn: urn, Inputs: inputs, Properties: state})
			must(t, err)
			if response.Id != test.want {
				t.Errorf("the ID is %q, not %q", response.Id, test.want)
			}
		})
	}
}
