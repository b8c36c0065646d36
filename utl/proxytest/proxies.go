package proxytest

// Nginx runs as one process, which a test can kill.
var Nginx = Proxy{
	"nginx",
	map[string]string{"nginx.conf": "nginx"},
	"daemon off; master_process off; error_log stderr; pid DIR/pid; events {}\n" +
		"http { access_log off; client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; " +
		"fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s; include DIR/nginx.conf; }\n",
	[]string{"-e", "stderr", "-p", "DIR", "-c", "DIR/frame"},
	false, false,
}

// All are the proxies for which there are recipes.
var All = []Proxy{
	Nginx,
	{
		"caddy",
		map[string]string{"Caddyfile": "caddy"},
		"{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n\thttp_port PORT\n}\nimport DIR/Caddyfile\n",
		[]string{"run", "--adapter", "caddyfile", "--config", "DIR/frame"},
		false, false,
	},
	{
		"haproxy",
		map[string]string{"haproxy.cfg": "haproxy", "glassjar.lua": "haproxy-lua"},
		"",
		[]string{"-db", "-f", "DIR/haproxy.cfg"},
		false, false,
	},
	{
		"traefik",
		map[string]string{"traefik.yml": "traefik"},
		"",
		[]string{"--providers.file.filename=DIR/traefik.yml", "--entrypoints.web.address=ADDR"},
		true, true,
	},
}
