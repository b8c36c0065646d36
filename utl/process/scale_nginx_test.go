package process

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// frame is what stands around README's recipe.
const frame = `daemon off; master_process off; pid pid; error_log stderr; events {}
http {
	access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
	include nginx.conf;
}
`

// nginx starts README's recipe in front of the app, with the question to the
// gate as given.
func nginx(b *testing.B, gate, app *program, question string) *program {
	b.Helper()
	path := found(b, "nginx")
	recipe, err := os.ReadFile("../../handlers/testdata/nginx.conf")
	if err != nil {
		b.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr, folder := ln.Addr().String(), b.TempDir()
	_ = ln.Close()
	here := strings.NewReplacer("listen 80;", "listen "+addr+";", "127.0.0.1:8080", "127.0.0.1:"+gate.port,
		"127.0.0.1:9092", "127.0.0.1:"+app.port, "auth_request /gate/check;", question)
	for name, text := range map[string]string{"frame": frame, "nginx.conf": here.Replace(string(recipe))} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	p := pinned(b, folder, `sh -c "echo glassjar is at http://`+addr+`; exec `+path+` -e stderr -p ./ -c frame"`)
	p.eventually("nginx listens", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return p
}
