// Package nodejs pins Pulumi's Node language host as a tool.
package nodejs

import (
	"os/exec"
	"strings"
	"testing"
)

func TestTheLanguageHostIsTheOnlyTool(t *testing.T) {
	out, err := exec.Command("go", "list", "-mod=readonly", "-f", "{{.Name}} {{.ImportPath}}", "tool").CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s", err, out)
	}
	if got, want := strings.TrimSpace(string(out)), "main github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"; got != want {
		t.Errorf("the tools are %q, not %q", got, want)
	}
}
