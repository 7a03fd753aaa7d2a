// Package cli pins the Pulumi CLI as a tool. Its test holds the recipe of all programs, ../build.json, against what is pinned.
package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

type program struct {
	Program   string
	Directory string
	Package   string
	Ldflags   string
	Plugin    *struct{ Kind, Name, Version string }
}

func programs(t *testing.T) []program {
	t.Helper()
	content, err := os.ReadFile("../build.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []program
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no programs")
	}
	return all
}

func stamped(t *testing.T, p program) string {
	t.Helper()
	match := regexp.MustCompile(`-X \S+\.[vV]ersion=(\S+)`).FindStringSubmatch(p.Ldflags)
	if match == nil {
		t.Fatalf("%s: no version in %q", p.Program, p.Ldflags)
	}
	return match[1]
}

// A tool is stamped with the version of the module that its package is in.
func TestToolsAreStampedWithTheirPinnedVersion(t *testing.T) {
	for _, p := range programs(t) {
		if p.Plugin != nil {
			continue
		}
		content, err := os.ReadFile(filepath.Join("..", p.Directory, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		pinned := ""
		for _, line := range strings.Split(string(content), "\n") {
			fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
			if len(fields) >= 2 && strings.HasPrefix(fields[1], "v") && strings.HasPrefix(p.Package, fields[0]+"/") {
				pinned = fields[1]
			}
		}
		if pinned == "" || stamped(t, p) != pinned {
			t.Errorf("%s is stamped %s and pinned at %q", p.Program, stamped(t, p), pinned)
		}
	}
}

// The engine takes a plugin for the release it is installed as only if it reports that release; build metadata says what it is made of.
func TestPluginsAreStampedWithTheirReleaseAndMetadata(t *testing.T) {
	for _, p := range programs(t) {
		if p.Plugin == nil {
			continue
		}
		if !strings.HasPrefix(stamped(t, p), p.Plugin.Version+"+") {
			t.Errorf("%s is stamped %s and installed as %s", p.Program, stamped(t, p), p.Plugin.Version)
		}
		if want := "pulumi-" + p.Plugin.Kind + "-" + p.Plugin.Name; p.Program != want {
			t.Errorf("%s should be called %s", p.Program, want)
		}
	}
}
