console.log("a core says nothing");
