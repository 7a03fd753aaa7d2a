package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

// Check completes the inputs with their defaults and with build.contextDigest, and reports at once all that is wrong with them.
func (r *Resource) Check(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	props, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	var failures []*pulumirpc.CheckFailure
	fail := func(property, reason string) {
		failures = append(failures, &pulumirpc.CheckFailure{Property: property, Reason: reason})
	}
	if name := props["imageName"]; name.IsString() {
		if _, err := tagged(name.StringValue()); err != nil {
			fail("imageName", err.Error())
		}
	}
	completed, err := completeBuild(props["build"])
	if err != nil {
		fail("build", err.Error())
	}
	props["build"] = completed
	inputs, err := marshal(props)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.CheckResponse{Inputs: inputs, Failures: failures}, nil
}

// completeBuild adds the defaults and, where both paths are known, the digest. The error says which path could not be read.
func completeBuild(value resource.PropertyValue) (resource.PropertyValue, error) {
	if !missing(value) && !value.IsObject() {
		return value, nil
	}
	fields := resource.PropertyMap{}
	for key, field := range object(value) {
		fields[key] = field
	}
	setDefaults(fields)
	completed := resource.NewProperty(fields)
	dir, dockerfile := fields["context"], fields["dockerfile"]
	if !dir.IsString() || !dockerfile.IsString() {
		return completed, nil
	}
	digest, err := digestOf(dir.StringValue(), dockerfile.StringValue())
	if err == nil {
		fields[digestKey] = resource.NewProperty(digest)
	}
	return completed, err
}

func digestOf(dir, dockerfile string) (string, error) {
	files, err := openContext(dir, dockerfile)
	if err != nil {
		return "", explain(err, dir, dockerfile)
	}
	return files.digest()
}

// explain adds the likely cause to a Dockerfile that is not there: its path is one from the program's directory, not from the context.
func explain(err error, dir, dockerfile string) error {
	within := filepath.Join(dir, dockerfile)
	if _, missing := os.Stat(dockerfile); !errors.Is(missing, fs.ErrNotExist) {
		return err
	}
	if _, found := os.Stat(within); found != nil {
		return err
	}
	return fmt.Errorf("dockerfile %q does not exist; did you mean %q? The path starts at the program's directory", dockerfile, within)
}

// unmarshal reads what the engine sends. It keeps the secret marks of inputs by itself, as it does for all bridged resources.
func unmarshal(props *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(props, plugin.MarshalOptions{KeepUnknowns: true, SkipNulls: true})
}

func marshal(props resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(props, plugin.MarshalOptions{KeepUnknowns: true, SkipNulls: true})
}
