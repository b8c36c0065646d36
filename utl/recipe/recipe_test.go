package recipe_test

import (
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"glassjar/utl/recipe"
)

func site() recipe.Site {
	return recipe.Site{
		PublicURL: &url.URL{Scheme: "https", Host: "jar.example"}, Address: "127.0.0.1:8080", Listen: "*:443", Group: "dev",
		Apps: []recipe.App{{Host: "app.example", Address: "127.0.0.1:9092"}, {Host: "wiki.example", Address: "[::1]:9093"}},
	}
}

func write(t *testing.T, name string, s recipe.Site) string {
	t.Helper()
	var text strings.Builder
	if err := recipe.Write(&text, name, s); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return text.String()
}

// Every recipe that is a whole file contains the site, its apps and their group.
func TestWrite(t *testing.T) {
	for _, name := range []string{"nginx", "caddy", "haproxy", "traefik"} {
		text := write(t, name, site())
		for _, want := range []string{"jar.example", "127.0.0.1:8080", "app.example", "127.0.0.1:9092", "wiki.example", "[::1]:9093", "?group=dev"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not hold %s", name, want)
			}
		}
		alone := site()
		alone.Apps = nil
		if strings.Contains(write(t, name, alone), "app.example") {
			t.Errorf("%s names an app where there is none", name)
		}
	}
	for name := range strings.SplitSeq(recipe.Names, ",") {
		if text := write(t, name, site()); !strings.Contains(text, "printed by: glassjar recipe "+name+"\n") {
			t.Errorf("%s does not say where it is from", name)
		}
	}
	if err := recipe.Write(new(strings.Builder), "apache", site()); !errors.Is(err, recipe.ErrRecipe) {
		t.Errorf("got %v of an unknown recipe", err)
	}
}

// nginx-app has the same content as nginx's recipe has for its apps.
func TestTheAppsOfNginxAreAlike(t *testing.T) {
	snippet, whole := write(t, "nginx-app", site()), write(t, "nginx", site())
	_, common, _ := strings.Cut(snippet, "#\t}\n")
	if common == "" || strings.Count(whole, common[:len(common)-1]) != 2 {
		t.Errorf("nginx-app is not what nginx has twice:\n%s", common)
	}
}

// meddling are values with characters that have a meaning in some proxy's configuration.
var meddling = []string{
	"x;", "x; return 200", "x{", "x}", "x y", "x\ty", "x\ny", "x\n", "\nx", "x\r", "x\x00", `x"`, "x'", "x`", "x#", "x$host", "x\\", "${x}", "{{x}}",
	"{env.HOME}", "x%[src]", "x,y", "x|y", "x/y", "x?y", "x&y", "x@y", "x=y", "x(y)", "*", "*.x", "~x", "!x", "é", "x\u212a", "<x>", "-x", ".x", "x:y",
}

func TestWriteRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(s *recipe.Site, text string)
		want error
		more []string
	}{
		{"an app's host", func(s *recipe.Site, text string) { s.Apps[0].Host = text }, recipe.ErrHost, []string{"", "X", "x.", "x-", "x..y", "x:80", "[::1]", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a"}},
		{"an app's address", func(s *recipe.Site, text string) { s.Apps[1].Address = text + ":80" }, recipe.ErrAddress, []string{"", "[::1%eth0]", "::1", "[x]", "unix", "UNIX"}},
		{"an app's port", func(s *recipe.Site, text string) { s.Apps[1].Address = "x:" + text }, recipe.ErrAddress, []string{"", "0", "65536", "+1", "080", "-1", "http"}},
		{"glassjar's address", func(s *recipe.Site, text string) { s.Address = text }, recipe.ErrAddress, []string{"", "x", "x:", ":80"}},
		{"the proxy's address", func(s *recipe.Site, text string) { s.Listen = text }, recipe.ErrAddress, []string{"", "80", "**:80"}},
		{"the group", func(s *recipe.Site, text string) { s.Group = text }, recipe.ErrGroup, []string{"X", strings.Repeat("a", 33)}},
		{"the sign-in's host", func(s *recipe.Site, text string) { s.PublicURL.Host = text }, recipe.ErrHost, []string{"", "[::1]"}},
		{"the sign-in's scheme", func(s *recipe.Site, text string) { s.PublicURL.Scheme = text }, recipe.ErrHost, []string{"", "ftp"}},
	} {
		for _, text := range slices.Concat(tt.more, meddling) {
			s := site()
			tt.set(&s, text)
			var out strings.Builder
			for name := range strings.SplitSeq(recipe.Names, ",") {
				if err := recipe.Write(&out, name, s); !errors.Is(err, tt.want) || out.Len() > 0 {
					t.Errorf("%s %q: %s: got %v and %d bytes, want %v", tt.name, text, name, err, out.Len(), tt.want)
				}
			}
		}
	}
}

// A Unix socket's path has no characters with a meaning to a proxy.
func TestSockets(t *testing.T) {
	for _, name := range []string{"nginx", "caddy"} {
		s := site()
		s.Address = "unix:/run/glassjar/http.sock"
		if text := write(t, name, s); !strings.Contains(text, "/run/glassjar/http.sock") {
			t.Errorf("%s does not name the socket", name)
		}
		for _, bad := range slices.Concat(meddling, []string{"", "/", "a//b", "a/"}) {
			if slices.Contains([]string{"x/y", "-x", ".x"}, bad) {
				continue // allowed in a path
			}
			s.Address = "unix:/" + bad
			if err := recipe.Write(io.Discard, name, s); !errors.Is(err, recipe.ErrPath) {
				t.Errorf("%s: %q: got error %v", name, bad, err)
			}
		}
	}
	s := site()
	s.Address = "unix:/run/glassjar/http.sock"
	for _, name := range []string{"haproxy", "haproxy-lua", "traefik"} {
		if err := recipe.Write(io.Discard, name, s); !errors.Is(err, recipe.ErrSocket) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

// Settings for glassjar have no characters with a meaning to systemd or in a compose file.
func TestSettingsOfServices(t *testing.T) {
	for _, text := range []string{"x y", "x\ty", "x\ny", "x\n", `x"`, "x'", "x%h", "x$h", "x\\", "x;", "x#", "{x}", "é", "x\x00"} {
		for _, name := range []string{"systemd", "systemd-socket", "container"} {
			s := site()
			s.GateHosts = text
			if err := recipe.Write(io.Discard, name, s); !errors.Is(err, recipe.ErrHost) {
				t.Errorf("%s: GATE_HOSTS %q: got error %v", name, text, err)
			}
			s = site()
			s.MailFrom = text + "@site.example"
			if err := recipe.Write(io.Discard, name, s); !errors.Is(err, recipe.ErrMail) {
				t.Errorf("%s: MAIL_FROM %q: got error %v", name, text, err)
			}
		}
	}
	for _, text := range []string{"x\ny", "x\n", "x\x00", "\u2028", "x\xff"} {
		for _, name := range []string{"systemd", "container"} {
			s := site()
			s.Further = []recipe.Setting{{Name: "SITE_NAME", Value: text}}
			if err := recipe.Write(io.Discard, name, s); !errors.Is(err, recipe.ErrSetting) {
				t.Errorf("%s: SITE_NAME %q: got error %v", name, text, err)
			}
		}
	}
	s := site()
	s.GateHosts, s.MailFrom = "app.example,*.apps.example:8443,[2001:db8::1]", "jar+x@site.example"
	if text := write(t, "systemd", s); !strings.Contains(text, "\nEnvironment=GATE_HOSTS=app.example,*.apps.example:8443,[2001:db8::1]\n") {
		t.Errorf("got %s", text)
	}
}

func TestEveryAppHasAHostOfItsOwn(t *testing.T) {
	for _, host := range []string{"jar.example", "wiki.example"} {
		s := site()
		s.Apps[0].Host = host
		if err := recipe.Write(io.Discard, "nginx", s); !errors.Is(err, recipe.ErrTwice) {
			t.Errorf("%s: got %v", host, err)
		}
	}
}

func TestApp(t *testing.T) {
	for text, want := range map[string]error{
		"app.example=127.0.0.1:9092":  nil,
		"APP.Example=[::1]:9092":      nil,
		"127.0.0.1=app:9092":          nil,
		"app.example":                 recipe.ErrApp,
		"":                            recipe.ErrApp,
		"=127.0.0.1:9092":             recipe.ErrHost,
		"app.example:80=a:9092":       recipe.ErrHost,
		"app.example=":                recipe.ErrAddress,
		"app.example=9092":            recipe.ErrAddress,
		"app.example=http://a:9092":   recipe.ErrAddress,
		"app.example=a:9092,b=c:9092": recipe.ErrAddress,
	} {
		var app recipe.App
		if err := app.UnmarshalText([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", text, err, want)
		} else if want == nil && app.Host != strings.ToLower(app.Host) {
			t.Errorf("%q: got %+v", text, app)
		}
	}
}

// traefik has the fields of Traefik's documented dynamic configuration that the recipe uses.
type traefik struct {
	HTTP struct {
		Routers map[string]struct {
			Rule, Service string
			Middlewares   []string
			TLS           *struct{} `yaml:"tls"`
		}
		Middlewares map[string]struct {
			ForwardAuth *struct {
				Address             string
				AuthResponseHeaders []string `yaml:"authResponseHeaders"`
			} `yaml:"forwardAuth"`
			Headers *struct {
				CustomRequestHeaders map[string]string `yaml:"customRequestHeaders"`
			}
		}
		Services map[string]struct {
			LoadBalancer struct{ Servers []struct{ URL string } } `yaml:"loadBalancer"`
		}
	}
}

// Traefik is not in Debian, so its tests often do not run: its recipe is also checked against
// the documented fields, and against the names that it defines itself.
func TestTraefik(t *testing.T) {
	var got traefik
	reader := yaml.NewDecoder(strings.NewReader(write(t, "traefik", site())))
	reader.KnownFields(true)
	if err := reader.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got.HTTP.Routers) != 7 || got.HTTP.Middlewares["gate"].ForwardAuth == nil {
		t.Fatalf("got %+v", got)
	}
	for name, router := range got.HTTP.Routers {
		if _, ok := got.HTTP.Services[router.Service]; !ok || router.TLS == nil {
			t.Errorf("%s: got service %q, TLS %v", name, router.Service, router.TLS)
		}
		for _, middleware := range router.Middlewares {
			if _, ok := got.HTTP.Middlewares[middleware]; !ok {
				t.Errorf("%s: there is no middleware %s", name, middleware)
			}
		}
		if passes := router.Service != "glassjar"; passes != slices.Contains(router.Middlewares, "gate") || passes != slices.Contains(router.Middlewares, "strip") {
			t.Errorf("%s: got middlewares %q before %s", name, router.Middlewares, router.Service)
		}
	}
}
