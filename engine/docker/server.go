package main

import (
	"context"
	_ "embed"

	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	"github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/terraform-providers/terraform-provider-docker/shim"
	"google.golang.org/protobuf/types/known/emptypb"

	"engine/docker/bridge"
	"engine/docker/image"
)

//go:generate sh -c "go run ./schema > schema.json.new && mv schema.json.new schema.json"

//go:embed schema.json
var packageSchema []byte

// server answers for Image itself and leaves everything else to the bridged provider.
type server struct {
	pulumirpc.ResourceProviderServer
	image *image.Resource
}

func newServer(ctx context.Context, host *provider.HostClient, upstream *schema.Provider) *server {
	info := bridge.Info(upstream, version)
	bridged := tfbridge.NewProvider(ctx, host, info.Name, version, info.P, info, packageSchema)
	return &server{
		ResourceProviderServer: bridged,
		image:                  image.NewResource(reportTo(host), connectionOf(upstream)),
	}
}

// connectionOf gives Image the Docker client and the credentials of the bridged provider: one configuration serves both.
func connectionOf(upstream *schema.Provider) image.Connect {
	return func() (image.Connection, bool) {
		connection, ok := shim.ConnectionOf(upstream)
		if !ok {
			return image.Connection{}, false
		}
		return image.Connection{Daemon: connection.Client, Credentials: connection.Credentials}, true
	}
}

func reportTo(host *provider.HostClient) image.Report {
	return func(ctx context.Context, urn resource.URN, line string) {
		if host != nil {
			// A line of progress that cannot be shown is not worth a failed build.
			_ = host.LogStatus(ctx, diag.Info, urn, line)
		}
	}
}

func isImage(urn string) bool {
	return resource.URN(urn).Type() == bridge.ImageToken
}

func (s *server) Cancel(ctx context.Context, req *emptypb.Empty) (*emptypb.Empty, error) {
	s.image.Cancel()
	return s.ResourceProviderServer.Cancel(ctx, req)
}

func (s *server) Check(ctx context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	if isImage(req.GetUrn()) {
		return s.image.Check(ctx, req)
	}
	return s.ResourceProviderServer.Check(ctx, req)
}

func (s *server) Diff(ctx context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	if isImage(req.GetUrn()) {
		return s.image.Diff(ctx, req)
	}
	return s.ResourceProviderServer.Diff(ctx, req)
}

func (s *server) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	if isImage(req.GetUrn()) {
		return s.image.Create(ctx, req)
	}
	return s.ResourceProviderServer.Create(ctx, req)
}

func (s *server) Read(ctx context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	if isImage(req.GetUrn()) {
		return s.image.Read(ctx, req)
	}
	return s.ResourceProviderServer.Read(ctx, req)
}

func (s *server) Update(ctx context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	if isImage(req.GetUrn()) {
		return s.image.Update(ctx, req)
	}
	return s.ResourceProviderServer.Update(ctx, req)
}

func (s *server) Delete(ctx context.Context, req *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	if isImage(req.GetUrn()) {
		return s.image.Delete(ctx, req)
	}
	return s.ResourceProviderServer.Delete(ctx, req)
}
