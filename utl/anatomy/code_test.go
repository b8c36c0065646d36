package anatomy_test

import (
	"encoding/hex"
	"testing"
	"time"

	"glassjar/utl/anatomy"
)

// vectorSecret is the secret of the test vectors in both RFCs.
var vectorSecret = []byte("12345678901234567890")

// The test vectors of RFC 4226, appendix D.
func TestCodesAreThoseOfRFC4226(t *testing.T) {
	for step, want := range []struct {
		mac    string
		number uint32
		digits string
	}{
		{"cc93cf18508d94934c64b65d8ba7667fb7cde4b0", 1284755224, "755224"},
		{"75a48a19d4cbe100644e8ac1397eea747a2d33ab", 1094287082, "287082"},
		{"0bacb7fa082fef30782211938bc1c5e70416ff44", 137359152, "359152"},
		{"66c28227d03a2d5529262ff016a1e6ef76557ece", 1726969429, "969429"},
		{"a904c900a64b35909874b33e61c5938a8e15ed1c", 1640338314, "338314"},
		{"a37e783d7b7233c083d4f62926c7a25f238d0316", 868254676, "254676"},
		{"bc9cd28561042c83f219324d3c607256c03272ae", 1918287922, "287922"},
		{"a4fb960c0bc06e1eabb804e5b397cdc4b45596fa", 82162583, "162583"},
		{"1b3c89f65e6c9e883012052823443f048b4332db", 673399871, "399871"},
		{"1637409809a679dc698207310c8c7fc07290d9e5", 645520489, "520489"},
	} {
		got := anatomy.NewCode(vectorSecret, int64(step))
		if mac := hex.EncodeToString(got.MAC[:]); mac != want.mac || got.Number != want.number || got.Digits != want.digits {
			t.Errorf("step %d: got %s, %d, %s, want %+v", step, mac, got.Number, got.Digits, want)
		}
	}
}

// The test vectors of RFC 6238, appendix B: the last six of their eight digits.
func TestCodesAreThoseOfRFC6238(t *testing.T) {
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		got := anatomy.NewCode(vectorSecret, anatomy.StepAt(time.Unix(at, 0)))
		if got.Digits != want {
			t.Errorf("at %d the code is %s, want %s", at, got.Digits, want)
		}
	}
	late := anatomy.NewCode(vectorSecret, 0x23523ec)
	if got := hex.EncodeToString(late.Counter[:]); got != "00000000023523ec" {
		t.Errorf("the counter is %s", got)
	}
}
