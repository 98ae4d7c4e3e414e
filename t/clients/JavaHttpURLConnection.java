/* java.net.HttpURLConnection, with setFixedLengthStreamingMode. With
 * VARIANT=buffered it keeps all content in memory, as it does by itself. */

import java.io.IOException;
import java.io.OutputStream;
import java.net.Authenticator;
import java.net.HttpURLConnection;
import java.net.PasswordAuthentication;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

class JavaHttpURLConnection {
    static void send(HttpURLConnection connection, Path file)
        throws IOException {
        try (OutputStream out = connection.getOutputStream()) {
            Files.copy(file, out);
        }
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> env = System.getenv();
        Path file = Path.of(env.get("FILE"));
        String login = env.get("LOGIN");
        if (login != null) {
            String[] pair = login.split(":");
            Authenticator.setDefault(new Authenticator() {
                protected PasswordAuthentication getPasswordAuthentication() {
                    return new PasswordAuthentication(pair[0],
                                                      pair[1].toCharArray());
                }
            });
        }
        HttpURLConnection connection =
            (HttpURLConnection) new URL(env.get("URL")).openConnection();
        connection.setRequestMethod("PUT");
        connection.setDoOutput(true);
        if (!"buffered".equals(env.get("VARIANT"))) {
            connection.setFixedLengthStreamingMode(Files.size(file));
        }
        if (env.get("ASK").equals("yes")) {
            connection.setRequestProperty("Expect", "100-continue");
        }
        String said = "";
        try {
            send(connection, file);
        }
        catch (IOException e) {
            said = e + "; ";
        }
        try {
            int status = connection.getResponseCode();
            System.out.println("STATUS " + status);
            System.out.println(said + "getResponseCode() " + status);
        }
        catch (IOException e) {
            System.out.println(said + e);
        }
    }
}
