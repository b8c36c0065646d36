package stores_test

import (
	"slices"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/audit"
)

// OpenToStrangers returns what is not limited to groups.
func TestOpenToStrangers(t *testing.T) {
	folder := t.TempDir()
	for _, signUp := range []string{account.ByInvitation, account.ByApproval, account.ByAnybody} {
		st, _, _ := open(t, "SIGNUP="+signUp, "GATE_HOSTS=old.example,files.example", "PAGES_DIR="+folder)
		for _, a := range []app.App{
			{Name: "Wiki", Host: "wiki.example", Level: 1},
			{Name: "Files", Host: "files.example", Level: 1, Groups: []string{"dev"}},
		} {
			if _, err := st.Apps.Add(t.Context(), a, audit.Command()); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		if signUp == account.ByAnybody {
			want = []string{"wiki.example", "old.example", "/pages/"}
		}
		if got, err := st.OpenToStrangers(t.Context()); !slices.Equal(got, want) || err != nil {
			t.Errorf("%s: got %q, %v; want %q", signUp, got, err, want)
		}
	}
}
