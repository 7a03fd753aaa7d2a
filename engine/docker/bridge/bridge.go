// Package bridge says how upstream's Terraform names map to the names of Pulumi's docker package.
package bridge

import (
	sdk "github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

const (
	name   = "docker"
	module = "index"
)

// Info describes the bridged package: upstream's resources and data sources under the tokens that the SDK sends.
func Info(upstream *sdk.Provider, version string) tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:           sdkv2.NewProvider(upstream),
		Name:        name,
		Version:     version,
		Description: "Docker resources for Pulumi programs",
		Config: map[string]*tfbridge.SchemaInfo{
			"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_image":  {Tok: tfbridge.MakeResource(name, module, "RemoteImage")},
			"docker_config": {Tok: tfbridge.MakeResource(name, module, "ServiceConfig")},
			"docker_container": {
				Tok: tfbridge.MakeResource(name, module, "Container"),
				// A container's name is taken until the old one is gone.
				DeleteBeforeReplace: true,
				Fields: map[string]*tfbridge.SchemaInfo{
					"command":           {Name: "command"},
					"networks_advanced": {Name: "networksAdvanced"},
				},
			},
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"docker_image": {Tok: tfbridge.MakeDataSource(name, module, "getRemoteImage")},
		},
		ExtraResources: map[string]schema.ResourceSpec{string(ImageToken): imageResource()},
		ExtraTypes:     imageTypes(),
	}
	info.MustComputeTokens(tokens.SingleModule(name+"_", module, tokens.MakeStandard(name)))
	return info
}
