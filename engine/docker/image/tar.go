package image

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
)

// stream returns the context as a tar archive, written while it is read. Reading fails with what could not be archived.
func (c *buildContext) stream() io.ReadCloser {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(c.writeTo(writer)) }()
	return reader
}

func (c *buildContext) writeTo(w io.Writer) error {
	archive := tar.NewWriter(w)
	for _, e := range c.entries {
		if err := archive.WriteHeader(e.header()); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if !e.mode.IsRegular() {
			continue
		}
		if err := e.copyTo(archive); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return archive.Close()
}

// header leaves out times and owners: they do not count for a build, and the daemon's cache must not see them either.
func (e entry) header() *tar.Header {
	header := &tar.Header{Name: e.name, Mode: int64(e.mode.Perm()), Format: tar.FormatPAX}
	for bit, tarBit := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if e.mode&bit != 0 {
			header.Mode |= tarBit
		}
	}
	switch {
	case e.mode.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, e.name+"/"
	case e.mode&fs.ModeSymlink != 0:
		header.Typeflag, header.Linkname = tar.TypeSymlink, e.link
	default:
		header.Typeflag, header.Size = tar.TypeReg, e.size
	}
	return header
}
