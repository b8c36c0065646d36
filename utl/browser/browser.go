// Package browser describes in words the browser of a User-Agent header.
package browser

import "github.com/mileusna/useragent"

// Words returns the browser and its operating system, such as "Firefox on Linux".
func Words(agent string) string {
	ua := useragent.Parse(agent)
	switch {
	case ua.Name == "":
		return "Unknown browser"
	case ua.OS == "":
		return ua.Name
	}
	return ua.Name + " on " + ua.OS
}
