package webtest

import (
	"slices"
	"strings"
)

// Sight is all that somebody who guesses can see, the name put aside.
type Sight struct {
	Status  string
	Headers []string
	Body    string
}

func (a *Answer) Sight(name string) Sight {
	saw := Sight{Status: a.Status, Body: strings.ReplaceAll(a.Body, name, "NAME")}
	for header, values := range a.Header {
		if header != "Date" {
			saw.Headers = append(saw.Headers, header+": "+strings.Join(values, " | "))
		}
	}
	slices.Sort(saw.Headers)
	return saw
}
