package bridge

import (
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// ImageToken is the type of the one resource that is not upstream's.
const ImageToken tokens.Type = "docker:index/image:Image"

const (
	buildToken     = "docker:index/dockerBuild:DockerBuild"
	cacheFromToken = "docker:index/cacheFrom:CacheFrom"
	registryToken  = "docker:index/registry:Registry"
	builderToken   = "docker:index/builderVersion:BuilderVersion"
)

// imageResource is Image as the SDK declares it.
func imageResource() schema.ResourceSpec {
	return schema.ResourceSpec{
		ObjectTypeSpec: schema.ObjectTypeSpec{
			Type:        "object",
			Description: "An image built from a directory, tagged, and pushed unless skipPush is set.",
			Properties: map[string]schema.PropertySpec{
				"imageName":      property("string", "The image's name as given"),
				"baseImageName":  property("string", "The image's name as given"),
				"context":        property("string", "The directory that was built"),
				"dockerfile":     property("string", "The Dockerfile, as seen from the context"),
				"platform":       property("string", "The image's platform, such as linux/amd64"),
				"registryServer": property("string", "The registry's address as given"),
				"repoDigest":     property("string", "name@sha256:... of a pushed image, the image ID of one that was not pushed"),
			},
			Required: []string{"baseImageName", "context", "dockerfile", "imageName", "registryServer", "repoDigest"},
		},
		InputProperties: map[string]schema.PropertySpec{
			"imageName":      property("string", "The image's name, repository[:tag]"),
			"build":          reference(buildToken, "What to build"),
			"registry":       reference(registryToken, "The credentials for the registry to push to"),
			"skipPush":       property("boolean", "Leave the image on the daemon"),
			"buildOnPreview": property("boolean", "Build in previews too"),
		},
		RequiredInputs: []string{"imageName"},
		Aliases:        []schema.AliasSpec{{Type: "docker:image:Image"}},
	}
}

// imageTypes are the types of Image's inputs.
func imageTypes() map[string]schema.ComplexTypeSpec {
	return map[string]schema.ComplexTypeSpec{
		buildToken: objectType(map[string]schema.PropertySpec{
			"context":        property("string", "The directory to build; by default the program's"),
			"dockerfile":     property("string", "The Dockerfile, as seen from the program's directory; by default the context's"),
			"args":           mapOfStrings("Build arguments"),
			"target":         property("string", "The stage to build"),
			"platform":       property("string", "The platform to build for; by default the daemon's"),
			"network":        property("string", "The network of RUN instructions"),
			"addHosts":       listOfStrings("Extra hosts, host:ip"),
			"cacheFrom":      reference(cacheFromToken, "Where layers may be taken from"),
			"builderVersion": reference(builderToken, "Taken, and not used: the classic builder builds"),
		}),
		cacheFromToken: objectType(map[string]schema.PropertySpec{"images": listOfStrings("Images to pull first")}),
		registryToken: objectType(map[string]schema.PropertySpec{
			"server":   property("string", "The registry's address"),
			"username": property("string", "A change of it does not build again"),
			"password": secret("A change of it does not build again"),
		}),
		builderToken: {
			ObjectTypeSpec: schema.ObjectTypeSpec{Type: "string"},
			Enum:           []schema.EnumValueSpec{{Value: "BuilderV1"}, {Value: "BuilderBuildKit"}},
		},
	}
}

func objectType(properties map[string]schema.PropertySpec) schema.ComplexTypeSpec {
	return schema.ComplexTypeSpec{ObjectTypeSpec: schema.ObjectTypeSpec{Type: "object", Properties: properties}}
}

func property(kind, description string) schema.PropertySpec {
	return schema.PropertySpec{Description: description, TypeSpec: schema.TypeSpec{Type: kind}}
}

func secret(description string) schema.PropertySpec {
	return schema.PropertySpec{Description: description, TypeSpec: schema.TypeSpec{Type: "string"}, Secret: true}
}

func reference(token, description string) schema.PropertySpec {
	return schema.PropertySpec{Description: description, TypeSpec: schema.TypeSpec{Ref: "#/types/" + token}}
}

func listOfStrings(description string) schema.PropertySpec {
	items := &schema.TypeSpec{Type: "string"}
	return schema.PropertySpec{Description: description, TypeSpec: schema.TypeSpec{Type: "array", Items: items}}
}

func mapOfStrings(description string) schema.PropertySpec {
	values := &schema.TypeSpec{Type: "string"}
	return schema.PropertySpec{Description: description, TypeSpec: schema.TypeSpec{Type: "object", AdditionalProperties: values}}
}
