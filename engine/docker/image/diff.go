package image

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// ignored are the inputs that say how to run a build, not what comes out of it.
var ignored = map[string]bool{
	"buildOnPreview":    true,
	"registry.username": true,
	"registry.password": true,
}

// diff lists what differs between two sets of inputs, by path ("imageName", "build.contextDigest"). All of it is done in place.
func diff(olds, news resource.PropertyMap) map[string]*pulumirpc.PropertyDiff {
	before, after := leaves(olds), leaves(news)
	changes := map[string]*pulumirpc.PropertyDiff{}
	for path, value := range after {
		old, ok := before[path]
		switch {
		case !ok:
			changes[path] = change(pulumirpc.PropertyDiff_ADD)
		case !old.DeepEquals(value):
			changes[path] = change(pulumirpc.PropertyDiff_UPDATE)
		}
	}
	for path := range before {
		if _, ok := after[path]; !ok {
			changes[path] = change(pulumirpc.PropertyDiff_DELETE)
		}
	}
	return changes
}

func change(kind pulumirpc.PropertyDiff_Kind) *pulumirpc.PropertyDiff {
	return &pulumirpc.PropertyDiff{Kind: kind, InputDiff: true}
}

// leaves are the inputs by path, with the fields of `build` and `registry` one by one.
func leaves(props resource.PropertyMap) map[string]resource.PropertyValue {
	all := map[string]resource.PropertyValue{}
	add := func(path string, value resource.PropertyValue) {
		if !ignored[path] && !missing(value) {
			all[path] = value
		}
	}
	for key, value := range props {
		nested := key == "build" || key == "registry"
		if !nested || !value.IsObject() {
			add(string(key), value)
			continue
		}
		for field, inner := range value.ObjectValue() {
			add(string(key)+"."+string(field), inner)
		}
	}
	return all
}
