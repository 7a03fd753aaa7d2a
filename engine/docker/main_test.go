package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/terraform-providers/terraform-provider-docker/shim"
	"google.golang.org/protobuf/types/known/emptypb"
)

func TestSchemaHasTheTokensOfTheSDK(t *testing.T) {
	response, err := newServer(context.Background(), nil, shim.NewProvider()).GetSchema(
		context.Background(), &pulumirpc.GetSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var spec struct{ Resources, Functions map[string]any }
	if err := json.Unmarshal([]byte(response.Schema), &spec); err != nil {
		t.Fatal(err)
	}
	resources := "Container Image Network Plugin RegistryImage RemoteImage Secret Service ServiceConfig Tag Volume"
	expectTokens(t, spec.Resources, resources)
	expectTokens(t, spec.Functions, "getLogs getNetwork getPlugin getRegistryImage getRemoteImage")
}

func expectTokens(t *testing.T, found map[string]any, names string) {
	t.Helper()
	wanted := strings.Fields(names)
	for _, name := range wanted {
		token := "docker:index/" + strings.ToLower(name[:1]) + name[1:] + ":" + name
		if _, ok := found[token]; !ok {
			t.Errorf("%s is missing", token)
		}
	}
	for token := range found {
		// The provider's own method, which every bridged package has, is not of the SDK's list.
		if _, name, _ := strings.Cut(token, ":index/"); name != "" && !slices.Contains(wanted, name[strings.Index(name, ":")+1:]) {
			t.Errorf("%s is not known to this test", token)
		}
	}
}

func TestReportsItsVersionAsTheSDKsWithBuildMetadata(t *testing.T) {
	response, err := newServer(context.Background(), nil, shim.NewProvider()).GetPluginInfo(context.Background(), &emptypb.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	reported, err := semver.Parse(response.Version)
	if err != nil {
		t.Fatal(err)
	}
	if !reported.EQ(semver.MustParse("5.2.0")) || len(reported.Build) == 0 {
		t.Errorf("the version is %s", reported)
	}
}
