package factor_test

import (
	"bytes"
	"image/png"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"glassjar/utl/factor"
)

func TestPicture(t *testing.T) {
	w := open(t)
	_, secret := w.NewSetUp("id")
	want := w.URI(secret, "ada")
	picture, err := factor.Picture(want)
	need(t, err)
	img, err := png.Decode(bytes.NewReader(picture))
	need(t, err)
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	need(t, err)
	got, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil || got.GetText() != want {
		t.Errorf("it says %v, error %v; want %s", got, err, want)
	}
	for _, at := range []int{0, 23} { // the margin
		if r, _, _, _ := img.At(at, at).RGBA(); r != 0xffff {
			t.Errorf("it is black at %d, %d", at, at)
		}
	}
}
