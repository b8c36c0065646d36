package config

import "os"

// checkTLS records what is wrong with TLS_CERT and TLS_KEY, except for the content of the
// files.
func (c Config) checkTLS(f faults) {
	f.require(c.TLSCert == "" || isFile(c.TLSCert), "TLS_CERT")
	f.require(c.TLSKey == "" || isFile(c.TLSKey), "TLS_KEY")
	f.require(c.TLSCert != "" || c.TLSKey == "", "TLS_CERT", "must be set when TLS_KEY is")
	f.require(c.TLSKey != "" || c.TLSCert == "", "TLS_KEY", "must be set when TLS_CERT is")
	f.require(c.TLSCert == "" || (c.PublicURL != nil && c.PublicURL.Scheme == "https"), "PUBLIC_URL",
		"must be https when TLS_CERT is set, like https://jar.example")
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
