package agent;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * An agent of the Phoenix DMA Runtime in Java: it registers, beats, works on tasks and takes them over.
 *
 * <pre>
 * agent &lt;participant id&gt;      work until killed
 * agent vectors &lt;folder&gt;      check the hashes and ids of tests/vectors
 * </pre>
 *
 * The runtime's address and the enrolment credential come from the profile that `phoenix-dma up` or
 * `phoenix-dma enrol` wrote: $PHOENIX_DMA_PROFILE, else ~/.config/phoenix-dma/profile.toml.
 */
public final class Main {
  /** What the runtime may answer; gRPC would take half of it. */
  private static final int LARGEST_MESSAGE = 8 << 20;

  public static void main(String[] arguments) throws Exception {
    if (arguments.length == 2 && arguments[0].equals("vectors")) {
      Hashes.checkVectors(Path.of(arguments[1]));
      return;
    }
    if (arguments.length != 1) {
      System.err.println("usage: agent <participant id> | agent vectors <folder>");
      System.exit(2);
    }
    Profile profile = Profile.read();
    // Plain text is for this machine alone; leave usePlaintext out for TLS.
    ManagedChannel channel = NettyChannelBuilder.forTarget(profile.address())
        .usePlaintext().maxInboundMessageSize(LARGEST_MESSAGE).build();
    Services services = new Services(channel, new Credential(channel, profile.enrolment(), arguments[0]));
    new Session(arguments[0], services, new Work(services)).stayAttached();
  }

  /** Prints one line for people, and for the play that starts and kills agents. */
  static void say(String format, Object... values) {
    System.out.printf(format + "%n", values);
    System.out.flush();
  }

  static void log(String format, Object... values) {
    System.err.printf(format + "%n", values);
  }

  /**
   * The entries of the profile that an agent needs; a TOML library reads the rest as well. The
   * profile of one identity follows another one, which has the addresses.
   */
  record Profile(String address, String enrolment) {
    static Profile read() throws Exception {
      String named = System.getenv("PHOENIX_DMA_PROFILE");
      Path path = named != null
          ? Path.of(named)
          : Path.of(home(), ".config", "phoenix-dma", "profile.toml");
      Path folder = path.toAbsolutePath().getParent();
      String own = Files.readString(path);
      String follows = entry(own, "follows");
      String addresses = follows.isEmpty() ? own : Files.readString(folder.resolve(follows));
      String enrolment = Files.readString(folder.resolve(entry(own, "credential"))).strip();
      return new Profile(entry(addresses, "grpc"), enrolment);
    }

    /** As the command line has it: Java's own property does not follow {@code HOME}. */
    private static String home() {
      return System.getenv().getOrDefault("HOME", System.getProperty("user.home"));
    }

    private static String entry(String text, String name) {
      var found = Pattern.compile("(?m)^" + name + "\\s*=\\s*\"(.*)\"").matcher(text);
      return found.find() ? found.group(1) : "";
    }
  }
}
