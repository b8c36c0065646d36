package webtest

import (
	"bytes"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers"
	"glassjar/utl/anatomy"
)

// Button returns the fields that the button with the label sends.
func (a *Answer) Button(label string) (fields []string) {
	a.T.Helper()
	form := a.Find("form").FilterFunction(func(_ int, form *goquery.Selection) bool { return form.Find("button").Text() == label })
	if form.Length() != 1 {
		a.T.Fatalf("%d buttons say %q", form.Length(), label)
	}
	form.Find("input").Each(func(_ int, field *goquery.Selection) {
		fields = append(fields, field.AttrOr("name", ""), field.AttrOr("value", ""))
	})
	return fields
}

// LabKey is the key with which the lab of the tests signs.
var LabKey = [32]byte(bytes.Repeat([]byte("89abcdef01234567"), 2))

// WithLab turns the lab on.
func WithLab(c *handlers.Config) { c.Lab = anatomy.New(LabKey, DeviceKey) }

// LabPaths are the lab's pages, and LabReads those that take no form.
var (
	LabReads = []string{"/lab", "/lab/elsewhere", "/lab/sheet"}
	LabPaths = []string{"/lab", "/lab/elsewhere", "/lab/sheet", "/lab/request", "/lab/session", "/lab/cookie", "/lab/key", "/lab/wire", "/lab/password", "/lab/code", "/lab/passkey"}
)
