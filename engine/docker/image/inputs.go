package image

import (
	"path"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// inputs are an Image's arguments as the SDK's ImageArgs has them. What is unknown during a preview is left at its zero value.
type inputs struct {
	imageName      string
	build          build
	registry       registry
	skipPush       bool
	buildOnPreview bool
}

// build is the SDK's DockerBuild. Paths are relative to the program's directory.
type build struct {
	context    string
	dockerfile string
	args       map[string]string
	target     string
	platform   string
	network    string
	addHosts   []string
	cacheFrom  []string
}

type registry struct {
	server   string
	username string
	password string
}

const (
	defaultContext    = "."
	defaultDockerfile = "Dockerfile"
	digestKey         = "contextDigest"
)

// decode reads the inputs of a property map.
func decode(props resource.PropertyMap) inputs {
	buildProps := object(props["build"])
	registryProps := object(props["registry"])
	return inputs{
		imageName: text(props["imageName"]),
		build: build{
			context:    text(buildProps["context"]),
			dockerfile: text(buildProps["dockerfile"]),
			args:       textMap(buildProps["args"]),
			target:     text(buildProps["target"]),
			platform:   text(buildProps["platform"]),
			network:    text(buildProps["network"]),
			addHosts:   texts(buildProps["addHosts"]),
			cacheFrom:  texts(object(buildProps["cacheFrom"])["images"]),
		},
		registry: registry{
			server:   text(registryProps["server"]),
			username: text(registryProps["username"]),
			password: text(registryProps["password"]),
		},
		skipPush:       flag(props["skipPush"]),
		buildOnPreview: flag(props["buildOnPreview"]),
	}
}

// setDefaults fills in the context and the Dockerfile where the program left them out, as the SDK documents.
func setDefaults(buildProps resource.PropertyMap) {
	if missing(buildProps["context"]) {
		buildProps["context"] = resource.NewProperty(defaultContext)
	}
	if missing(buildProps["dockerfile"]) && buildProps["context"].IsString() {
		buildProps["dockerfile"] = resource.NewProperty(path.Join(buildProps["context"].StringValue(), defaultDockerfile))
	}
}

func missing(v resource.PropertyValue) bool {
	return v.V == nil || v.IsNull()
}

func object(v resource.PropertyValue) resource.PropertyMap {
	if v.IsObject() {
		return v.ObjectValue()
	}
	return nil
}

func text(v resource.PropertyValue) string {
	if v.IsString() {
		return v.StringValue()
	}
	return ""
}

func flag(v resource.PropertyValue) bool {
	return v.IsBool() && v.BoolValue()
}

func texts(v resource.PropertyValue) []string {
	if !v.IsArray() {
		return nil
	}
	var all []string
	for _, item := range v.ArrayValue() {
		if item.IsString() {
			all = append(all, item.StringValue())
		}
	}
	return all
}

func textMap(v resource.PropertyValue) map[string]string {
	all := map[string]string{}
	for key, value := range object(v) {
		if value.IsString() {
			all[string(key)] = value.StringValue()
		}
	}
	return all
}
