import ApusCLI

ApusProgram.main()
