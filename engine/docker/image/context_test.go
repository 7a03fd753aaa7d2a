package image

import (
	"archive/tar"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"
)

// project writes files (a name that ends in "/" is a directory) and returns their directory.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func digest(t *testing.T, dir, dockerfile string) string {
	t.Helper()
	sum, err := digestOf(dir, dockerfile)
	must(t, err)
	return sum
}

func TestDigestChangesWithWhatIsBuilt(t *testing.T) {
	files := map[string]string{
		"app/Dockerfile":    "FROM scratch\n",
		"app/.dockerignore": "*.log\n!kept.log\ncache\n",
		"app/main.sh":       "echo hi",
		"app/noise.log":     "1",
		"app/kept.log":      "1",
		"app/cache/x":       "1",
		"app/empty/":        "",
	}
	for name, test := range map[string]struct {
		edit    func(app string) error
		changes bool
	}{
		"nothing":              {func(string) error { return nil }, false},
		"content":              {func(app string) error { return os.WriteFile(app+"/main.sh", []byte("echo ho"), 0o644) }, true},
		"Dockerfile":           {func(app string) error { return os.WriteFile(app+"/Dockerfile", []byte("FROM a\n"), 0o644) }, true},
		"file mode":            {func(app string) error { return os.Chmod(app+"/main.sh", 0o755) }, true},
		"directory mode":       {func(app string) error { return os.Chmod(app+"/empty", 0o700) }, true},
		"new file":             {func(app string) error { return os.WriteFile(app+"/new", nil, 0o644) }, true},
		"removed file":         {func(app string) error { return os.Remove(app + "/main.sh") }, true},
		"renamed file":         {func(app string) error { return os.Rename(app+"/main.sh", app+"/other.sh") }, true},
		"new empty directory":  {func(app string) error { return os.Mkdir(app+"/new", 0o755) }, true},
		"symbolic link":        {func(app string) error { return os.Symlink("main.sh", app+"/link") }, true},
		"ignored file":         {func(app string) error { return os.WriteFile(app+"/noise.log", []byte("2"), 0o644) }, false},
		"ignored directory":    {func(app string) error { return os.WriteFile(app+"/cache/y", nil, 0o644) }, false},
		"file taken back":      {func(app string) error { return os.WriteFile(app+"/kept.log", []byte("2"), 0o644) }, true},
		"modification time":    {func(app string) error { return os.Chtimes(app+"/main.sh", time.Now(), time.Unix(1, 0)) }, false},
		"file outside context": {func(app string) error { return os.WriteFile(app+"/../x", nil, 0o644) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			app := filepath.Join(project(t, files), "app")
			before := digest(t, app, app+"/Dockerfile")
			must(t, test.edit(app))
			if changed := digest(t, app, app+"/Dockerfile") != before; changed != test.changes {
				t.Errorf("changed is %v, not %v", changed, test.changes)
			}
		})
	}
}

func TestDigestDoesNotDependOnWhereTheContextLies(t *testing.T) {
	files := map[string]string{"Dockerfile": "FROM scratch\n", "a/b": "1"}
	one, two := project(t, files), project(t, files)
	if digest(t, one, one+"/Dockerfile") != digest(t, two, two+"/Dockerfile") {
		t.Error("the digests differ")
	}
}

func TestDockerfileOutsideOfTheContextCounts(t *testing.T) {
	dir := project(t, map[string]string{"Dockerfile": "FROM scratch\n", "app/x": "1"})
	before := digest(t, dir+"/app", dir+"/Dockerfile")
	must(t, os.WriteFile(dir+"/Dockerfile", []byte("FROM a\n"), 0o644))
	if digest(t, dir+"/app", dir+"/Dockerfile") == before {
		t.Error("a change of the Dockerfile is not seen")
	}
}

func TestDockerfilesOwnIgnoreFileWins(t *testing.T) {
	dir := project(t, map[string]string{
		"Dockerfile": "FROM scratch\n", "Dockerfile.dockerignore": "ignored\n", ".dockerignore": "kept\n", "ignored": "1", "kept": "1",
	})
	sent := names(t, dir, dir+"/Dockerfile")
	if want := ".dockerignore Dockerfile Dockerfile.dockerignore kept"; sent != want {
		t.Errorf("sent is %q, not %q", sent, want)
	}
}

func TestArchiveHoldsADockerfileThatIsIgnoredButDoesNotShowIt(t *testing.T) {
	dir := project(t, map[string]string{"Dockerfile": "FROM scratch\n", ".dockerignore": "Dockerfile\n", "x": "1"})
	files, err := openContext(dir, dir+"/Dockerfile")
	must(t, err)
	contents := unpack(t, files)
	if contents[files.dockerfile] != "FROM scratch\n" {
		t.Errorf("the Dockerfile %s holds %q", files.dockerfile, contents[files.dockerfile])
	}
	if _, found := contents["Dockerfile"]; found {
		t.Error("the ignored Dockerfile is in the archive under its own name")
	}
	for _, hidden := range []string{files.dockerfile, ".dockerignore"} {
		if !strings.Contains(contents[".dockerignore"], hidden+"\n") {
			t.Errorf("%s would be copied into the image", hidden)
		}
	}
}

func TestArchiveKeepsModesAndLinksAndLeavesOutTimesAndOwners(t *testing.T) {
	dir := project(t, map[string]string{"Dockerfile": "FROM scratch\n", "run.sh": "echo"})
	must(t, os.Chmod(dir+"/run.sh", 0o755))
	must(t, os.Symlink("run.sh", dir+"/link"))
	files, err := openContext(dir, dir+"/Dockerfile")
	must(t, err)
	archive := tar.NewReader(files.stream())
	seen := map[string]*tar.Header{}
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		seen[header.Name] = header
		if header.ModTime.Unix() > 0 || header.Uid != 0 || header.Uname != "" {
			t.Errorf("%s has a time or an owner", header.Name)
		}
	}
	if mode := seen["run.sh"].Mode; mode != 0o755 {
		t.Errorf("run.sh has mode %o", mode)
	}
	if target := seen["link"].Linkname; target != "run.sh" {
		t.Errorf("link points to %q", target)
	}
}

func TestMissingPathsAreExplained(t *testing.T) {
	dir := project(t, map[string]string{"app/Dockerfile": "FROM scratch\n", "file": ""})
	t.Chdir(dir)
	for name, test := range map[string]struct{ context, dockerfile, want string }{
		"context":             {"nowhere", "nowhere/Dockerfile", "nowhere: no such file"},
		"context is a file":   {"file", "app/Dockerfile", "file: not a directory"},
		"Dockerfile":          {"app", "app/Other", "app/Other: no such file"},
		"path in the context": {"app", "Dockerfile", `did you mean "app/Dockerfile"?`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := digestOf(test.context, test.dockerfile)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, without %q", err, test.want)
			}
		})
	}
}

func names(t *testing.T, dir, dockerfile string) string {
	t.Helper()
	files, err := openContext(dir, dockerfile)
	must(t, err)
	var all []string
	for _, e := range files.entries {
		all = append(all, e.name)
	}
	sort.Strings(all)
	return strings.Join(all, " ")
}

func unpack(t *testing.T, files *buildContext) map[string]string {
	t.Helper()
	contents := map[string]string{}
	archive := tar.NewReader(files.stream())
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return contents
		}
		must(t, err)
		content, err := io.ReadAll(archive)
		must(t, err)
		contents[header.Name] = string(content)
	}
}
