// Package image is the resource docker:index/image:Image: it builds an image from a directory with the daemon's classic builder,
// tags it, and pushes it unless told not to.
package image

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/client"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// Connection is a daemon and the registry credentials that the provider was configured with, by host.
type Connection struct {
	Daemon      Daemon
	Credentials map[string]types.AuthConfig
}

// Connect returns the provider's connection; false before the provider is configured.
type Connect func() (Connection, bool)

// Report shows a line of a build's output as the progress of the resource with this URN.
type Report func(ctx context.Context, urn resource.URN, line string)

// Resource answers the engine for all Images of a program.
type Resource struct {
	connect Connect
	report  Report
	stopped context.Context
	stop    context.CancelFunc
}

// NewResource returns a resource that connects when it first has to.
func NewResource(report Report, connect Connect) *Resource {
	stopped, stop := context.WithCancel(context.Background())
	return &Resource{connect: connect, report: report, stopped: stopped, stop: stop}
}

// Cancel ends the builds that are running, and those that would start.
func (r *Resource) Cancel() {
	r.stop()
}

// Diff compares the program's inputs, among them the digest of the context that Check put there. Nothing replaces an Image: all
// changes are built in place.
func (r *Resource) Diff(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, err := unmarshal(req.GetOldInputs())
	if err != nil {
		return nil, err
	}
	news, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	changes := diff(olds, news)
	if len(changes) == 0 {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
	}
	return &pulumirpc.DiffResponse{
		Changes:         pulumirpc.DiffResponse_DIFF_SOME,
		DetailedDiff:    changes,
		HasDetailedDiff: true,
	}, nil
}

// Create builds, and pushes unless skipPush. The ID is the image's name.
func (r *Resource) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	id, props, err := r.apply(ctx, req.GetUrn(), req.GetProperties(), req.GetPreview())
	if err != nil {
		return nil, err
	}
	return &pulumirpc.CreateResponse{Id: id, Properties: props}, nil
}

// Update builds again; the tag moves to the new image and the old one stays on the daemon without it.
func (r *Resource) Update(ctx context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	_, props, err := r.apply(ctx, req.GetUrn(), req.GetNews(), req.GetPreview())
	if err != nil {
		return nil, err
	}
	return &pulumirpc.UpdateResponse{Properties: props}, nil
}

// Read looks for an image that was built and not pushed. One that is gone from the daemon is reported as deleted, so that the
// next update builds it again; the ID of a pushed image says nothing about the daemon and is left as it is.
func (r *Resource) Read(ctx context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	unchanged := &pulumirpc.ReadResponse{Id: req.GetId(), Inputs: req.GetInputs(), Properties: req.GetProperties()}
	props, err := unmarshal(req.GetInputs())
	if err != nil {
		return nil, err
	}
	state, err := unmarshal(req.GetProperties())
	if err != nil {
		return nil, err
	}
	if id := text(state["repoDigest"]); id != "" && decode(props).skipPush {
		connection, err := r.connected()
		if err != nil {
			return nil, err
		}
		switch _, _, err := connection.Daemon.ImageInspectWithRaw(ctx, id); {
		case client.IsErrNotFound(err):
			return &pulumirpc.ReadResponse{}, nil
		case err != nil:
			return nil, fmt.Errorf("looking for image %s: %w", id, err)
		}
	}
	return unchanged, nil
}

// Delete leaves the image, its tag and what was pushed where they are: containers and rollbacks may need them.
func (r *Resource) Delete(context.Context, *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (r *Resource) apply(
	ctx context.Context, urn string, properties *structpb.Struct, preview bool,
) (string, *structpb.Struct, error) {
	props, err := unmarshal(properties)
	if err != nil {
		return "", nil, err
	}
	in := decode(props)
	out := outputs(props)
	if !preview || (in.buildOnPreview && !props.ContainsUnknowns()) {
		digest, err := r.build(ctx, urn, in, preview, out)
		if err != nil {
			return "", nil, err
		}
		out["repoDigest"] = digest
	}
	state, err := marshal(out)
	return in.imageName, state, err
}

// build fills in the platform and returns the repoDigest. A preview builds but never pushes, so it cannot know the digest of an image that
// is to be pushed.
func (r *Resource) build(
	ctx context.Context, urn string, in inputs, preview bool, out resource.PropertyMap,
) (resource.PropertyValue, error) {
	connection, err := r.connected()
	if err != nil {
		return resource.PropertyValue{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.stopped, cancel)()
	b := builder{
		daemon:      connection.Daemon,
		credentials: credentials{registry: in.registry, configured: connection.Credentials},
		redact:      redactor(in),
		report:      func(line string) { r.report(ctx, resource.URN(urn), line) },
	}
	image, err := b.build(ctx, in)
	if err != nil {
		return resource.PropertyValue{}, err
	}
	out["platform"] = resource.NewProperty(image.platform)
	switch {
	case in.skipPush:
		return resource.NewProperty(image.id), nil
	case preview:
		return unknown(), nil
	}
	pushed, err := b.push(ctx, in.imageName)
	return resource.NewProperty(pushed), err
}

func (r *Resource) connected() (Connection, error) {
	connection, ok := r.connect()
	if !ok {
		return Connection{}, errors.New("no Docker daemon: the provider's configuration is not known yet")
	}
	return connection, nil
}

// outputs are what is known of an Image before it is built.
func outputs(props resource.PropertyMap) resource.PropertyMap {
	buildProps := object(props["build"])
	out := resource.PropertyMap{
		"imageName":      props["imageName"],
		"baseImageName":  props["imageName"],
		"context":        buildProps["context"],
		"dockerfile":     dockerfileOf(buildProps),
		"registryServer": resource.NewProperty(""),
		"platform":       unknown(),
		"repoDigest":     unknown(),
	}
	if server, ok := object(props["registry"])["server"]; ok {
		out["registryServer"] = server
	}
	return out
}

// dockerfileOf is the Dockerfile as seen from the context, if it lies in it.
func dockerfileOf(buildProps resource.PropertyMap) resource.PropertyValue {
	if name, err := relative(text(buildProps["context"]), text(buildProps["dockerfile"])); err == nil {
		return resource.NewProperty(name)
	}
	return buildProps["dockerfile"]
}

func unknown() resource.PropertyValue {
	return resource.MakeComputed(resource.NewProperty(""))
}
