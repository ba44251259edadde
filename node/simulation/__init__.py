"""Made-up co-ops and seeded runs: nothing here touches a real co-op's home, and all of it says that it is made up."""
