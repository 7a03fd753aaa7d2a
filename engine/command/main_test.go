package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/blang/semver"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/integration"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

const urn = resource.URN("urn:pulumi:dev::test::command:local:Command::it")

func serve(t *testing.T) integration.Server {
	t.Helper()
	server, err := integration.NewServer(
		context.Background(), "command", semver.MustParse("1.2.1"), integration.WithProvider(newProvider()))
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func props(pairs map[string]any) property.Map {
	values := map[string]property.Value{}
	for name, value := range pairs {
		switch value := value.(type) {
		case property.Value:
			values[name] = value
		case string:
			values[name] = property.New(value)
		case map[string]property.Value:
			values[name] = property.New(value)
		case []property.Value:
			values[name] = property.New(value)
		}
	}
	return property.NewMap(values)
}

func text(t *testing.T, from property.Map, name string) string {
	t.Helper()
	value := from.Get(name)
	if !value.IsString() {
		t.Fatalf("%s is %v, not a text", name, value)
	}
	return value.AsString()
}

func create(t *testing.T, inputs property.Map) property.Map {
	t.Helper()
	response, err := serve(t).Create(p.CreateRequest{Urn: urn, Properties: inputs})
	if err != nil {
		t.Fatal(err)
	}
	if response.ID == "" {
		t.Fatal("no ID")
	}
	return response.Properties
}

func TestCreateReturnsWhatTheCommandPrinted(t *testing.T) {
	state := create(t, props(map[string]any{
		"create":      `echo "hello $NAME"; cat; echo trouble >&2`,
		"environment": map[string]property.Value{"NAME": property.New("world")},
		"stdin":       "from stdin",
	}))
	if got, want := text(t, state, "stdout"), "hello world\nfrom stdin"; got != want {
		t.Errorf("stdout is %q, not %q", got, want)
	}
	if got := text(t, state, "stderr"); got != "trouble" {
		t.Errorf("stderr is %q", got)
	}
}

func TestPreviewRunsNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "made")
	inputs := props(map[string]any{"create": "touch " + file, "update": "touch " + file})
	state := create(t, props(map[string]any{"create": "true"}))
	if _, err := serve(t).Create(p.CreateRequest{Urn: urn, Properties: inputs, DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := serve(t).Update(p.UpdateRequest{Urn: urn, State: state, Inputs: inputs, DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Error("a preview ran the command")
	}
}

func TestUpdateRunsUpdateElseCreate(t *testing.T) {
	for name, test := range map[string]struct {
		inputs map[string]any
		want   string
	}{
		"update":      {map[string]any{"create": "echo made", "update": `echo "changed, was $PULUMI_COMMAND_STDOUT"`}, "changed, was made"},
		"create only": {map[string]any{"create": "echo again"}, "again"},
		"neither":     {map[string]any{"delete": "echo gone"}, "made"},
	} {
		t.Run(name, func(t *testing.T) {
			old := create(t, props(map[string]any{"create": "echo made"}))
			response, err := serve(t).Update(p.UpdateRequest{Urn: urn, State: old, Inputs: props(test.inputs)})
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, response.Properties, "stdout"); got != test.want {
				t.Errorf("stdout is %q, not %q", got, test.want)
			}
		})
	}
}

func TestDeleteRunsTheStoredCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deleted")
	state := create(t, props(map[string]any{
		"create":      "echo made",
		"delete":      `printf "$NAME $PULUMI_COMMAND_STDOUT" > ` + file,
		"environment": map[string]property.Value{"NAME": property.New("it")},
	}))
	if err := serve(t).Delete(p.DeleteRequest{Urn: urn, Properties: state}); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(file)
	if err != nil || string(written) != "it made" {
		t.Errorf("the delete command wrote %q (%v)", written, err)
	}
}

func TestChangedInputsAreADiff(t *testing.T) {
	trigger := func(value string) []property.Value { return []property.Value{property.New(value)} }
	old := props(map[string]any{"create": "true", "triggers": trigger("a")})
	state := create(t, old)
	for name, test := range map[string]struct {
		news map[string]any
		want string
	}{
		"same":    {map[string]any{"create": "true", "triggers": trigger("a")}, ""},
		"trigger": {map[string]any{"create": "true", "triggers": trigger("b")}, "triggers[0]"},
		"command": {map[string]any{"create": "echo", "triggers": trigger("a")}, "create"},
	} {
		t.Run(name, func(t *testing.T) {
			diff, err := serve(t).Diff(p.DiffRequest{Urn: urn, State: state, OldInputs: old, Inputs: props(test.news)})
			if err != nil {
				t.Fatal(err)
			}
			if _, found := diff.DetailedDiff[test.want]; diff.HasChanges != (test.want != "") || found != diff.HasChanges {
				t.Errorf("the diff is %v, not of %q", diff.DetailedDiff, test.want)
			}
		})
	}
}

// That triggers replace is asked for by the SDK, with its replaceOnChanges option; the schema is where it has that from.
func TestSchemaHasTokensAndReplacingTriggers(t *testing.T) {
	response, err := serve(t).GetSchema(p.GetSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Resources map[string]struct {
			InputProperties map[string]struct{ ReplaceOnChanges bool }
		}
		Functions map[string]any
	}
	if err := json.Unmarshal([]byte(response.Schema), &spec); err != nil {
		t.Fatal(err)
	}
	if !spec.Resources["command:local:Command"].InputProperties["triggers"].ReplaceOnChanges {
		t.Error("a change of triggers does not replace")
	}
	if _, found := spec.Functions["command:local:run"]; !found {
		t.Error("no function command:local:run")
	}
}
