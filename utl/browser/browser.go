// Package browser says in words which browser a User-Agent header is of.
package browser

import "github.com/mileusna/useragent"

// Words returns the browser and its system, such as "Firefox on Linux".
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
