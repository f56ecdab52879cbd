package agent;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import org.erdtman.jcs.JsonCanonicalizer;

/** Hashes over canonical JSON (RFC 8785), and the form of ids. */
final class Hashes {
  private static final Pattern IDENTIFIER = Pattern.compile("[a-z0-9._-]{1,128}");

  /** "sha256:" and the SHA-256 of the canonical form of a JSON object. */
  static String contentHash(Struct document) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(canonical(document));
      return "sha256:" + HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException(missing);
    }
  }

  static byte[] canonical(Struct document) {
    try {
      return new JsonCanonicalizer(JsonFormat.printer().print(document)).getEncodedUTF8();
    } catch (IOException error) {
      throw new IllegalArgumentException(error);
    }
  }

  static boolean isIdentifier(String text) {
    return IDENTIFIER.matcher(text).matches() && !text.contains("..");
  }

  /** Compares this program with tests/vectors, as every client of this folder does. */
  static void checkVectors(Path folder) throws IOException {
    List<Value> hashes = list(read(folder.resolve("canonical_json.json")), "vectors");
    for (Value one : hashes) {
      Struct vector = one.getStructValue();
      Struct document = parse(text(vector, "input"));
      String form = new String(canonical(document), StandardCharsets.UTF_8);
      check(form.equals(text(vector, "canonical")), text(vector, "name") + ": " + form);
      check(contentHash(document).equals(text(vector, "hash")), text(vector, "name"));
    }
    Struct ids = read(folder.resolve("ids.json"));
    for (Value one : list(ids, "valid")) {
      check(isIdentifier(one.getStringValue()), one + " is an id");
    }
    for (Value one : list(ids, "invalid")) {
      Struct wrong = one.getStructValue();
      check(!isIdentifier(text(wrong, "id")), text(wrong, "why"));
    }
    Main.say("vectors %d", hashes.size() + list(ids, "valid").size() + list(ids, "invalid").size());
  }

  private static void check(boolean holds, String what) {
    if (!holds) {
      throw new IllegalStateException(what);
    }
  }

  private static Struct read(Path path) throws IOException {
    return parse(Files.readString(path));
  }

  private static Struct parse(String text) throws InvalidProtocolBufferException {
    Struct.Builder builder = Struct.newBuilder();
    JsonFormat.parser().merge(text, builder);
    return builder.build();
  }

  private static List<Value> list(Struct document, String name) {
    return document.getFieldsOrThrow(name).getListValue().getValuesList();
  }

  private static String text(Struct document, String name) {
    return document.getFieldsOrThrow(name).getStringValue();
  }
}
