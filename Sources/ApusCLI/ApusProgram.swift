/// The `apus` program.
public enum ApusProgram {
    public static func main() async {
    }
}
