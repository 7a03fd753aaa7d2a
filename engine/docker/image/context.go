package image

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const ignoreFile = ".dockerignore"

// buildContext is the list of what is sent to the daemon, so that what is hashed and what is built cannot differ.
type buildContext struct {
	entries []entry
	// dockerfile is the Dockerfile's name among the entries.
	dockerfile string
}

// entry is a file, a directory or a symbolic link of the context.
type entry struct {
	name    string // slash-separated, relative to the context
	mode    fs.FileMode
	size    int64
	link    string // the target of a symbolic link
	path    string // where a file's content is, unless content is set
	content []byte
}

// openContext lists a context directory, without what its ignore file names: `<Dockerfile>.dockerignore` if there is one, else
// `.dockerignore`. Errors name the path that could not be read.
func openContext(dir, dockerfile string) (*buildContext, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: not a directory", dir)
	}
	ignore, err := readIgnore(dir, dockerfile)
	if err != nil {
		return nil, err
	}
	entries, err := list(dir, ignore)
	if err != nil {
		return nil, err
	}
	return (&buildContext{entries: entries}).withDockerfile(dir, dockerfile)
}

// withDockerfile makes sure that the daemon gets the Dockerfile. One that is outside of the context or ignored by it is sent under a
// name of its own, with an ignore file that keeps it from being copied into the image.
func (c *buildContext) withDockerfile(dir, dockerfile string) (*buildContext, error) {
	if name, err := relative(dir, dockerfile); err == nil {
		for _, e := range c.entries {
			if e.name == name {
				c.dockerfile = name
				return c, nil
			}
		}
	}
	content, err := os.ReadFile(dockerfile)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	c.dockerfile = ".dockerfile." + hex.EncodeToString(sum[:8])
	var kept []entry
	for _, e := range c.entries {
		if e.name != ignoreFile {
			kept = append(kept, e)
		}
	}
	hidden := []byte(c.dockerfile + "\n" + ignoreFile + "\n")
	c.entries = append(kept,
		entry{name: c.dockerfile, mode: 0o644, size: int64(len(content)), content: content},
		entry{name: ignoreFile, mode: 0o644, size: int64(len(hidden)), content: hidden})
	return c, nil
}

// digest is a hash of all names, types, modes, link targets and contents, and of which file is the Dockerfile. Times and owners
// do not count.
func (c *buildContext) digest() (string, error) {
	sorted := append([]entry(nil), c.entries...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].name < sorted[j].name })
	whole := sha256.New()
	fmt.Fprintf(whole, "dockerfile %q\n", c.dockerfile)
	for _, e := range sorted {
		fmt.Fprintf(whole, "%q %s %q ", e.name, e.mode, e.link)
		if e.mode.IsRegular() {
			single := sha256.New()
			if err := e.copyTo(single); err != nil {
				return "", err
			}
			fmt.Fprintf(whole, "%x", single.Sum(nil))
		}
		fmt.Fprintln(whole)
	}
	return hex.EncodeToString(whole.Sum(nil)), nil
}

func (e entry) copyTo(w io.Writer) error {
	if e.content != nil {
		_, err := w.Write(e.content)
		return err
	}
	file, err := os.Open(e.path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}

func list(dir string, ignore *patternmatcher.PatternMatcher) ([]entry, error) {
	var entries []entry
	err := filepath.WalkDir(dir, func(path string, found fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := relative(dir, path)
		if err != nil || name == "." {
			return err
		}
		skip, err := ignore.MatchesOrParentMatches(name)
		if err != nil {
			return fmt.Errorf("%s: %w", ignoreFile, err)
		}
		if skip {
			// A directory that is ignored may hold files that a later "!pattern" takes back.
			if found.IsDir() && !ignore.Exclusions() {
				return filepath.SkipDir
			}
			return nil
		}
		e, ok, err := describe(name, path, found)
		if ok {
			entries = append(entries, e)
		}
		return err
	})
	return entries, err
}

// describe returns false for what a build has no use for: sockets, pipes and devices.
func describe(name, path string, found fs.DirEntry) (entry, bool, error) {
	info, err := found.Info()
	if err != nil {
		return entry{}, false, err
	}
	e := entry{name: name, mode: info.Mode(), path: path}
	switch {
	case info.Mode().IsRegular():
		e.size = info.Size()
		return e, true, nil
	case info.IsDir():
		return e, true, nil
	case info.Mode()&fs.ModeSymlink != 0:
		e.link, err = os.Readlink(path)
		return e, err == nil, err
	}
	return entry{}, false, nil
}

func readIgnore(dir, dockerfile string) (*patternmatcher.PatternMatcher, error) {
	for _, path := range []string{dockerfile + ignoreFile, filepath.Join(dir, ignoreFile)} {
		file, err := os.Open(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer file.Close()
		patterns, err := ignorefile.ReadAll(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		matcher, err := patternmatcher.New(patterns)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return matcher, nil
	}
	return patternmatcher.New(nil)
}

// relative returns a path as seen from a directory, with slashes; an error if it lies outside.
func relative(dir, path string) (string, error) {
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return "", err
	}
	if rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("%s is outside of %s", path, dir)
	}
	return filepath.ToSlash(rel), nil
}
